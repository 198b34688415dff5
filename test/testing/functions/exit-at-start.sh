# A function that ends the process while it is loaded; see `FunctionBehaviour`.
echo 'about to exit' >&2
exit 37
