"""A function whose module fails while it is loaded; see `FunctionBehaviour`."""

import sys


class ConformanceError(Exception):
    pass


sys.stderr.write("about to fail\n")
raise ConformanceError("failed at start")
