"""The functions of the executor suite in Python: each is one `FunctionBehaviour`, named without hyphens."""

import os
import resource
import socket
import subprocess
import sys
import threading
import time


class ConformanceError(Exception):
    pass


class ConformanceCause(Exception):
    pass


at_start = dict(os.environ)
invocations = 0


def echo(event, context):
    return event


def environment(event, context):
    return {"atStart": at_start, "now": dict(os.environ), "count": next_count()}


def next_count():
    global invocations
    invocations += 1
    return invocations


def context(event, context):
    client_context = context.client_context
    identity = context.identity
    return {
        "awsRequestId": context.aws_request_id,
        "functionName": context.function_name,
        "functionVersion": context.function_version,
        "invokedFunctionArn": context.invoked_function_arn,
        "memoryLimitInMB": str(context.memory_limit_in_mb),
        "logGroupName": context.log_group_name,
        "logStreamName": context.log_stream_name,
        "custom": client_context and client_context.custom,
        "cognitoIdentityId": identity and identity.cognito_identity_id,
        "cognitoIdentityPoolId": identity and identity.cognito_identity_pool_id,
        "tenantId": context.tenant_id,
        "traceId": os.environ.get("_X_AMZN_TRACE_ID"),
    }


def remaining(event, context):
    before = context.get_remaining_time_in_millis()
    time.sleep(0.052)
    return [before, context.get_remaining_time_in_millis()]


def count(event, context):
    number = next_count()
    if event.get("fail"):
        raise ConformanceError("counted")
    return number


def failOnPurpose(message):
    raise ConformanceError(message) from ConformanceCause("underneath")


def throw(event, context):
    failOnPurpose(event["message"])


def print_lines(event, context):
    mark = event["mark"]
    sys.stdout.write("%s one\n%s 漢\r\n" % (mark, mark))
    sys.stdout.write("x" * event["bytes"])
    sys.stdout.write("\n%s unfinished" % mark)
    sys.stderr.write('%s to stderr\n{"level":"WARN","mark":"%s"}\n' % (mark, mark))


def obey(event, context):
    port = event["port"]
    line = socket.create_connection(("127.0.0.1", port))
    commands = line.makefile("r")
    while True:
        command = commands.readline().strip()
        if command == "answer":
            commands.close()
            line.close()
            return "answered"
        if command == "stay":
            threading.Thread(target=stay, args=(commands,), daemon=True).start()
            kept.append(line)
            return "staying"
        if command == "":
            return "left"
        follow(command, port)


kept = []


def stay(commands):
    for command in commands:
        if command.strip() == "exit":
            os._exit(37)


def follow(command, port):
    if command == "exit":
        sys.exit(37)
    elif command == "exit 0":
        sys.exit(0)
    elif command == "loop":
        while True:
            pass
    elif command == "start":
        script = "import socket; socket.create_connection(('127.0.0.1', %d)).recv(1)" % port
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.DEVNULL)
    elif command == "grow":
        resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024, resource.RLIM_INFINITY))
        bytearray(1024 * 1024 * 1024)
