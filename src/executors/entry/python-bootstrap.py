"""Runs a handler behind the Lambda Runtime API, like the managed Python runtime. Needs only Python 3.8.

Run, not imported. An executor starts it as described in bootstrap-protocol.ts; otherwise it is configured only by the
environment that Lambda gives a runtime.
"""

import atexit
import http.client
import importlib.util
import json
import logging
import os
import sys
import time
import traceback
import urllib.parse

RUNTIME = "/2018-06-01/runtime"
START_PATH = "/lambda-tether/start"
CODE_PATH = "/lambda-tether/code"
LOADED_PATH = "/lambda-tether/loaded"
BEGUN_FD = 3
MAX_CAUSES = 8


class RuntimeClient:
    """A runtime's client of the Runtime API, over one persistent connection."""

    def __init__(self, address):
        host, _, path = address.partition("/")
        self._base = "/" + path if path else ""
        self._connection = http.client.HTTPConnection(host, timeout=None)

    def next(self):
        return self._call("GET", RUNTIME + "/invocation/next")

    def ask(self, path):
        return json.loads(self._call("GET", path)[1])

    def tell(self, path, value):
        self._call("POST", path, json.dumps(value).encode())

    def respond(self, request_id, body):
        self._call("POST", invocation(request_id) + "/response", body)

    def fail(self, request_id, error):
        self._post_error(invocation(request_id) + "/error", error)

    def fail_init(self, error):
        self._post_error(RUNTIME + "/init/error", error)

    def _post_error(self, path, error):
        error_type = error["errorType"].encode("ascii", "replace").decode()
        self._call("POST", path, to_json(error), {"Lambda-Runtime-Function-Error-Type": error_type})

    def _call(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, self._base + path, body, headers)
        response = self._connection.getresponse()
        return response.headers, response.read()


def invocation(request_id):
    return RUNTIME + "/invocation/" + urllib.parse.quote(request_id, safe="")


class LambdaContext:
    """The second argument of a handler, with the same names as in the managed runtime."""

    def __init__(self, headers, function):
        self._epoch_deadline_time_in_ms = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = function["functionName"]
        self.function_version = function["functionVersion"]
        self.memory_limit_in_mb = function["memoryLimitInMB"]
        self.log_group_name = function["logGroupName"]
        self.log_stream_name = function["logStreamName"]
        self.tenant_id = headers["Lambda-Runtime-Aws-Tenant-Id"]
        client_context = headers["Lambda-Runtime-Client-Context"]
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        identity = headers["Lambda-Runtime-Cognito-Identity"]
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message) + "\n")

    def __repr__(self):
        fields = ", ".join("%s=%r" % field for field in vars(self).items())
        return "LambdaContext([%s])" % fields


class ClientContext:
    def __init__(self, value):
        self.custom = value.get("custom")
        self.env = value.get("env")
        self.client = Client(value["client"]) if value.get("client") else None


class Client:
    def __init__(self, value):
        self.installation_id = value.get("installation_id")
        self.app_title = value.get("app_title")
        self.app_version_name = value.get("app_version_name")
        self.app_version_code = value.get("app_version_code")
        self.app_package_name = value.get("app_package_name")


class CognitoIdentity:
    def __init__(self, value):
        self.cognito_identity_id = value.get("cognitoIdentityId")
        self.cognito_identity_pool_id = value.get("cognitoIdentityPoolId")


class RuntimeFailure(Exception):
    """An error of the runtime itself, under Lambda's name for it. Its trace is the trace of its cause."""

    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = "Runtime." + error_type


class OutputHandler(logging.Handler):
    """The root logger's handler, as in the managed runtime. Without a handler, `logger.info` would write nothing."""

    def emit(self, record):
        try:
            sys.stdout.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def to_json(value):
    # JSON has no NaN and no Infinity: the caller could not parse them.
    try:
        return json.dumps(value, allow_nan=False, default=encode, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # A lone surrogate: JSON can hold it only as an ASCII escape.
        return json.dumps(value, allow_nan=False, default=encode).encode()


def encode(value):
    # As the managed runtime does, for numbers from DynamoDB.
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def describe(error, depth=0):
    """Returns an error and its causes in the form that AWS Lambda sends."""
    if isinstance(error, RuntimeFailure):
        described = {"errorType": error.error_type, "errorMessage": str(error), "stackTrace": []}
        if error.__cause__ is not None:
            described["stackTrace"] = ["%s: %s" % (error.error_type, error)] + trace_of(error.__cause__)
        return described
    described = {
        "errorType": type(error).__name__,
        "errorMessage": text_of(error),
        "stackTrace": trace_of(error),
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < MAX_CAUSES:
        described["cause"] = describe(cause, depth + 1)
    return described


def trace_of(error):
    """Returns the trace as Python prints it, without frames of this file and of the import system."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_ours(frame.filename)]
    parts = ["Traceback (most recent call last):"] + traceback.format_list(frames)
    parts += traceback.format_exception_only(type(error), error)
    return [line for part in parts for line in part.splitlines()]


def is_ours(filename):
    return filename == __file__ or filename.startswith("<frozen importlib")


def text_of(error):
    try:
        return str(error)
    except Exception:
        return "The error that was raised cannot be read."


def load(code):
    """Imports a module by its path and finds the handler in it."""
    path, name, search = code["file"], code["exportName"], code["python"]
    ours = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = search["first"] + [entry for entry in sys.path if entry != ours] + search["last"]
    module = importing(path, lambda: import_file(name_of(path, search["name"]), path))
    return find_handler(module, name, path)


def name_of(path, name):
    """Returns the longest suffix of a name that leads to the module's folder: a parent may be named like a package."""
    while "." in name:
        packages = name.split(".")[:-1]
        folder = os.path.dirname(path)
        folders = []
        for _ in packages:
            folders.insert(0, folder)
            folder = os.path.dirname(folder)
        if all(leads_to(".".join(packages[: i + 1]), folders[i]) for i in range(len(packages))):
            return name
        name = name.partition(".")[2]
    return name


def leads_to(package, folder):
    try:
        spec = importlib.util.find_spec(package)
    except ValueError:
        return False  # a module without a spec, such as __main__
    locations = spec and spec.submodule_search_locations
    return any(os.path.realpath(location) == os.path.realpath(folder) for location in locations or ())


def load_from_task_root(folder, name):
    """Imports `module.function` as the managed runtime does: `/` and `.` separate folders, and layers are searched."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise RuntimeFailure("MalformedHandlerName", "Bad handler '%s': it names no function" % name)
    ours = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder] + [entry for entry in sys.path if entry != ours]
    module = importing(module_name, lambda: importlib.import_module(module_name.replace("/", ".")))
    return find_handler(module, function, module_name)


def find_handler(module, name, origin):
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        problem = "is not there" if found is None else "is not callable"
        raise RuntimeFailure("HandlerNotFound", "Handler '%s' of %s %s" % (name, origin, problem))
    return found


def importing(origin, load_module):
    try:
        return load_module()
    except SyntaxError as error:
        raise RuntimeFailure("UserCodeSyntaxError", "Syntax error in %s: %s" % (origin, error)) from error
    except ImportError as error:
        raise RuntimeFailure("ImportModuleError", "Unable to import %s: %s" % (origin, error)) from error


def import_file(name, path):
    if not os.path.isfile(path):
        raise RuntimeFailure("ImportModuleError", "Unable to import %s: there is no such file" % path)
    package, _, last = name.rpartition(".")
    parent = importlib.import_module(package) if package else None
    found = sys.modules.get(name)
    # The package itself may have imported the module.
    if parent is not None and file_of(found) == path:
        return found
    # By its path: Python may already have loaded another module of the same name.
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if parent is not None:
        setattr(parent, last, module)
    return module


class LoadedFiles:
    """Reports the project's loaded files to the host, which watches them for saves."""

    def __init__(self, client):
        self._client = client
        self._seen = set()
        self._modules = 0
        self._since = time.time()

    def tell(self, error=None):
        since, self._since = self._since, time.time()
        if error is None and len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        files = {file_of(module) for module in list(sys.modules.values())}
        if error is not None:
            files.update(files_of_failure(error))
        new = sorted(file for file in files - self._seen if file and is_local(file))
        self._seen.update(files)
        if new or error is not None:
            told = {"files": new, "since": int(since * 1000), "failed": error is not None}
            self._client.tell(LOADED_PATH, told)


def file_of(module):
    try:
        file = vars(module).get("__file__")
    except TypeError:
        return None  # sys.modules may hold any object
    return os.path.abspath(file) if isinstance(file, str) else None


def is_local(file):
    """Whether a file belongs to the project: not to Python, not to an installed package, and not to this bootstrap."""
    if not os.path.isabs(file) or is_ours(file) or file.startswith(os.path.dirname(os.__file__) + os.sep):
        return False
    return not {"site-packages", "dist-packages"}.intersection(file.split(os.sep))


def files_of_failure(error):
    """Yields the files involved in an error while loading: Python forgets modules that failed."""
    for _ in range(MAX_CAUSES):
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield frame.f_code.co_filename
        if isinstance(error, SyntaxError):
            yield error.filename
        if isinstance(error, ImportError) and error.path:
            yield error.path
        if isinstance(error, ModuleNotFoundError) and error.name:
            # The places where the module was searched.
            for entry in sys.path:
                module = os.path.join(entry, *error.name.split("."))
                yield module + ".py"
                yield os.path.join(module, "__init__.py")
        error = error.__cause__ or error.__context__
        if error is None:
            return


def set_environment(changes):
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def prepare(env):
    # Python adds LC_CTYPE if no locale is set, and version managers change the PATH.
    for name in set(os.environ) - set(env):
        del os.environ[name]
    set_environment(env)
    # If a file is saved twice in one second with the same size, Python would run the bytecode of the first save.
    sys.dont_write_bytecode = True
    # A pipe is buffered in blocks by default: lines would arrive long after their invocation.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    handler = OutputHandler()
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    logging.getLogger().addHandler(handler)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # user code has closed or replaced the stream


def invoke(client, handler, headers, body, function):
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = handler(json.loads(body), LambdaContext(headers, function))
        try:
            response = to_json(answer)
        except Exception as error:
            raise RuntimeFailure("MarshalError", "Unable to marshal response: %s" % error) from error
    except Exception as error:
        flush()
        return client.fail(request_id, describe(error))
    flush()
    return client.respond(request_id, response)


def run(api):
    env = os.environ
    client = RuntimeClient(api or env["AWS_LAMBDA_RUNTIME_API"])
    prepare(client.ask(START_PATH)["env"] if api else dict(env))
    env.setdefault("AWS_EXECUTION_ENV", "AWS_Lambda_python%d.%d" % sys.version_info[:2])
    loaded = None
    try:
        if api:
            code = client.ask(CODE_PATH)
            loaded = LoadedFiles(client)
            handler = load(code)
            loaded.tell()
        else:
            handler = load_from_task_root(env["LAMBDA_TASK_ROOT"], env["_HANDLER"])
    except BaseException as error:
        if loaded:
            loaded.tell(error)
        if not isinstance(error, Exception):
            raise
        flush()
        client.fail_init(describe(error))
        return 1
    function = function_of(env)
    while True:
        headers, body = client.next()
        details_bytes = int(headers["Lambda-Tether-Details"] or 0)
        if details_bytes > 0:
            os.write(BEGUN_FD, b".")
            details = json.loads(body[:details_bytes])
            body = body[details_bytes:]
            set_environment(details["env"])
            function = details["context"]
        set_environment({"_X_AMZN_TRACE_ID": headers["Lambda-Runtime-Trace-Id"]})
        invoke(client, handler, headers, body, function)
        if loaded:
            loaded.tell()


def function_of(env):
    return {
        "functionName": env.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        "functionVersion": env.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        "memoryLimitInMB": env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
        "logGroupName": env.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        "logStreamName": env.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
    }


def main():
    try:
        code = run(os.environ.get("LAMBDA_TETHER_BOOTSTRAP"))
    except SystemExit as error:
        code = exit_code(error.code)
    except (ConnectionError, http.client.HTTPException):
        code = 1  # the host is gone
    except BaseException:
        traceback.print_exc()
        code = 1
    # Exit at once, without waiting for threads of user code.
    atexit._run_exitfuncs()
    flush()
    os._exit(code & 0xFF)


def exit_code(value):
    if value is None or isinstance(value, int):
        return value or 0
    sys.stderr.write("%s\n" % (value,))
    return 1


# Processes started by multiprocessing import this file too.
if __name__ == "__main__":
    main()
