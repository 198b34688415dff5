# The functions of the executor suite in bash: each `handle-<name>` is one `FunctionBehaviour`. Events are taken apart by
# patterns: what the suite sends to these functions is flat.

COUNT=0

handle-echo() {
  printf '%s' "$1"
}

json_text() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//$'\n'/\\n}"
}

json_environment() {
  local name separator=''
  printf '{'
  while read -r name; do
    printf '%s"%s":%s' "$separator" "$name" "$(json_text "${!name}")"
    separator=','
  done < <(compgen -e)
  printf '}'
}

AT_START="$(json_environment)"

handle-environment() {
  COUNT=$((COUNT + 1))
  printf '{"atStart":%s,"now":%s,"count":%d}' "$AT_START" "$(json_environment)" "$COUNT"
}

text_or_null() {
  if [[ -n $1 ]]; then json_text "$1"; else printf 'null'; fi
}

# The member of a flat JSON object, or nothing.
member() {
  sed -n "s/.*\"$2\":\(\"[^\"]*\"\|{[^}]*}\|[0-9]*\).*/\1/p" <<<"$1"
}

handle-context() {
  local client identity custom id pool
  client="$(header Lambda-Runtime-Client-Context)"
  identity="$(header Lambda-Runtime-Cognito-Identity)"
  custom="$(member "$client" custom)"
  id="$(member "$identity" cognitoIdentityId)"
  pool="$(member "$identity" cognitoIdentityPoolId)"
  printf '{"awsRequestId":%s,' "$(json_text "$REQUEST_ID")"
  printf '"functionName":%s,' "$(json_text "$AWS_LAMBDA_FUNCTION_NAME")"
  printf '"functionVersion":%s,' "$(json_text "$AWS_LAMBDA_FUNCTION_VERSION")"
  printf '"invokedFunctionArn":%s,' "$(json_text "$(header Lambda-Runtime-Invoked-Function-Arn)")"
  printf '"memoryLimitInMB":%s,' "$(json_text "$AWS_LAMBDA_FUNCTION_MEMORY_SIZE")"
  printf '"logGroupName":%s,' "$(json_text "$AWS_LAMBDA_LOG_GROUP_NAME")"
  printf '"logStreamName":%s,' "$(json_text "$AWS_LAMBDA_LOG_STREAM_NAME")"
  printf '"custom":%s,"cognitoIdentityId":%s,"cognitoIdentityPoolId":%s,' \
    "${custom:-null}" "${id:-null}" "${pool:-null}"
  printf '"tenantId":%s,' "$(text_or_null "$(header Lambda-Runtime-Aws-Tenant-Id)")"
  printf '"traceId":%s}' "$(text_or_null "${_X_AMZN_TRACE_ID-}")"
}

remaining_ms() {
  echo $(($(header Lambda-Runtime-Deadline-Ms) - $(date +%s%3N)))
}

handle-remaining() {
  local before
  before="$(remaining_ms)"
  sleep 0.052
  printf '[%d,%d]' "$before" "$(remaining_ms)"
}

# Reports an error in the words of the Runtime API, for the bootstrap to send.
fail() {
  local cause=${3-} name trace='' separator=''
  for name in "${FUNCNAME[@]:1}"; do
    trace+="$separator$(json_text "at $name")"
    separator=','
  done
  printf '{"errorType":"%s","errorMessage":%s,"stackTrace":[%s]%s}' \
    "$1" "$(json_text "$2")" "$trace" "$cause" >"$ERROR"
  return 1
}

handle-count() {
  COUNT=$((COUNT + 1))
  if [[ $1 == *'"fail":true'* ]]; then fail ConformanceError counted; else printf '%d' "$COUNT"; fi
}

failOnPurpose() {
  fail ConformanceError "$1" ',"cause":{"errorType":"ConformanceCause","errorMessage":"underneath","stackTrace":[]}'
}

handle-throw() {
  failOnPurpose "$(member "$1" message | tr -d '"')"
}

handle-print() {
  local mark bytes
  mark="$(member "$1" mark | tr -d '"')"
  bytes="$(member "$1" bytes)"
  printf '%s one\n%s 漢\r\n' "$mark" "$mark" >&4
  head -c "$bytes" /dev/zero | tr '\0' x >&4
  printf '\n%s unfinished' "$mark" >&4
  printf '%s to stderr\n{"level":"WARN","mark":"%s"}\n' "$mark" "$mark" >&2
  printf 'null'
}

handle-obey() {
  local port line command
  port="$(member "$1" port)"
  exec {line}<>"/dev/tcp/127.0.0.1/$port"
  while read -r command <&"$line"; do
    case $command in
      answer)
        exec {line}>&-
        printf '"answered"'
        return
        ;;
      stay)
        stay "$line" </dev/null >/dev/null &
        exec {line}>&-
        printf '"staying"'
        return
        ;;
      exit) exit 37 ;;
      'exit 0') exit 0 ;;
      loop) while :; do :; done ;;
      start) other "$port" "$line" </dev/null >/dev/null & ;;
      # What the system does to a process that has used up its memory.
      grow) kill -KILL $$ ;;
    esac
  done
  exec {line}>&-
  printf '"left"'
}

stay() {
  local command
  while read -r command <&"$1"; do
    if [[ $command == exit ]]; then kill -KILL $$; fi
  done
}

other() {
  local line=$2
  exec {line}>&-
  exec {line}<>"/dev/tcp/127.0.0.1/$1"
  read -r _ <&"$line"
}
