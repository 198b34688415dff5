# A function that fails while it is loaded; see `FunctionBehaviour`.
echo 'about to fail' >&2
curl -sS "$API/init/error" --data-binary '{"errorType":"ConformanceError","errorMessage":"failed at start"}' >/dev/null
exit 1
