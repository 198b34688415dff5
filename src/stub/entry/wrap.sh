#!/bin/bash
# Gets the runtime's command line, and makes the runtime load lambda-tether's handler in front of the function's own.
# If anything is missing, it starts the runtime unchanged.

# The function has its own wrapper: that one runs first, and lambda-tether wraps the resulting handler.
if [ -n "$LAMBDA_TETHER_EXEC_WRAPPER" ]; then
  chained=$LAMBDA_TETHER_EXEC_WRAPPER
  unset LAMBDA_TETHER_EXEC_WRAPPER
  export AWS_LAMBDA_EXEC_WRAPPER=$chained LAMBDA_TETHER_RUNTIME=$1
  exec "$chained" "$0" "$@"
fi

[ -n "$LAMBDA_TETHER_RUNTIME" ] || unset AWS_LAMBDA_EXEC_WRAPPER

# The other wrapper put these options before the runtime's name; they belong after it.
options=()
for argument in "$@"; do
  if [ "$argument" = "$LAMBDA_TETHER_RUNTIME" ]; then
    while [ "$1" != "$argument" ]; do options+=("$1"); shift; done
    break
  fi
done
unset LAMBDA_TETHER_RUNTIME

here=${0%/*}
if [ "${here#/}" != "$here" ] && [ -n "$_HANDLER" ] && [ -n "$LAMBDA_TETHER_KEY" ] &&
  [ -r "$here/wrapped.mjs" ] && [ -r "$here/stub.cjs" ] && [ -r "$here/wrap-preload.mjs" ]; then
  # A preload on the command line runs last, after those of NODE_OPTIONS, and replaces _HANDLER with this handler.
  export LAMBDA_TETHER_HANDLER=$here/wrapped.handler
  options=(--import "$here/wrap-preload.mjs" "${options[@]}")
fi
exec "$1" "${options[@]}" "${@:2}"
