"""A function whose module ends the process while it is loaded; see `FunctionBehaviour`."""

import sys

sys.stderr.write("about to exit\n")
sys.exit(37)
