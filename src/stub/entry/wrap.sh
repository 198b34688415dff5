#!/bin/bash
# Has the runtime, whose command line it is given, load lambda-tether's handler in front of the function's own.
# In any doubt it starts the runtime as if it were not there.

# Another wrapper was there before: it does its work first, and what it makes of the handler is what is wrapped.
if [ -n "$LAMBDA_TETHER_EXEC_WRAPPER" ]; then
  chained=$LAMBDA_TETHER_EXEC_WRAPPER
  unset LAMBDA_TETHER_EXEC_WRAPPER
  export AWS_LAMBDA_EXEC_WRAPPER=$chained LAMBDA_TETHER_RUNTIME=$1
  exec "$chained" "$0" "$@"
fi

[ -n "$LAMBDA_TETHER_RUNTIME" ] || unset AWS_LAMBDA_EXEC_WRAPPER

# Options that the other has put before the runtime's name belong behind it.
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
  # The preload of the command line comes last, after those of NODE_OPTIONS, and takes this handler in place of _HANDLER.
  export LAMBDA_TETHER_HANDLER=$here/wrapped.handler
  options=(--import "$here/wrap-preload.mjs" "${options[@]}")
fi
exec "$1" "${options[@]}" "${@:2}"
