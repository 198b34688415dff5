/**
 * What a function that the executor suite runs can do. `event` is what the test sends; every answer is JSON. The
 * suite has each as a JavaScript module (`src/testing/entry/conformance-functions.ts`); a factory for another
 * language gives its own.
 *
 * - `echo`: returns the event.
 * - `environment`: returns `{ atStart, now, count }`: all environment variables, as its module saw them while it was
 *   loaded and as they are now, and the number of this invocation in its execution environment.
 * - `context`: returns what the context says: `{ awsRequestId, functionName, functionVersion, invokedFunctionArn,
 *   memoryLimitInMB, logGroupName, logStreamName, custom, cognitoIdentityId, cognitoIdentityPoolId, tenantId, traceId }`,
 *   texts all (`memoryLimitInMB`, too), with null for what is absent; `custom` is the client context's member of that
 *   name, `traceId` the variable `_X_AMZN_TRACE_ID`.
 * - `remaining`: returns `[before, after]`: the remaining milliseconds, twice, with at least 50 ms in between.
 * - `count`: counts its invocations in a variable of its module, then returns the number; with `{ fail: true }` it throws
 *   instead.
 * - `throw`: throws, in a function named `failOnPurpose`, an error of type `ConformanceError` with the message
 *   `event.message`, caused by a `ConformanceCause` with the message `underneath`.
 * - `throw-value`: throws `event.value`, which is no error.
 * - `print`: writes `<mark> one` LF, `<mark> 漢` CR LF, `event.bytes` times `x` LF and `<mark> unfinished` to standard
 *   output, and `<mark> to stderr` LF `{"level":"WARN","mark":"<mark>"}` LF to standard error, where `<mark>` is `event.mark`; returns null.
 * - `fail-at-start`: writes `about to fail` to standard error and throws a `ConformanceError` with the message
 *   `failed at start` while its module is loaded.
 * - `exit-at-start`: writes `about to exit` to standard error and exits with code 37 while its module is loaded.
 * - `plain`, `callback`, `method`, `late`: the styles of Node's handlers; see the modules.
 * - `obey`: connects to port `event.port` of 127.0.0.1 and follows the {@link Command}s it reads there, one a line. When
 *   the connection is closed it returns.
 * - `stream`: streams its response, in this order: sets the content type `event.contentType`, or begins with the HTTP prelude
 *   `event.prelude`; writes each of `event.texts`; writes `event.bytes` bytes, each the number of its place modulo 251, and waits where
 *   a write tells it to; does as `obey` does on `event.port`; throws a `ConformanceError` with the message `event.message`; ends the
 *   stream. It leaves out what the event does not have.
 */
export type FunctionBehaviour =
  | 'echo'
  | 'environment'
  | 'context'
  | 'remaining'
  | 'count'
  | 'throw'
  | 'throw-value'
  | 'print'
  | 'fail-at-start'
  | 'exit-at-start'
  | 'plain'
  | 'callback'
  | 'method'
  | 'late'
  | 'obey'
  | 'stream'

/**
 * What the suite tells a function that obeys.
 *
 * - `answer`: close the connection and return `answered`.
 * - `stay`: return `staying`, and keep the connection open and follow it.
 * - `exit`: end the process (or the thread) with code 37.
 * - `exit 0`: the same with code 0.
 * - `loop`: never yield again.
 * - `start`: start a process with a connection of its own to the same port, which says nothing and ends when that is
 *   closed.
 * - `grow`: use more memory than there is; give up at 1 GB.
 * - `reject`: leave a rejected promise, of a `ConformanceError` with the message `unheard`, to nobody.
 * - `throw`: throw a `ConformanceError` with the message `loose` where nobody can catch it.
 */
export type Command = 'answer' | 'stay' | 'exit' | 'exit 0' | 'loop' | 'start' | 'grow' | 'reject' | 'throw'

/**
 * What not every executor, or not every language, can do.
 *
 * - `environment`: local code has environment variables of its own.
 * - `rotation`: changed variables reach a worker that lives on, its module's state and all.
 * - `workers`: each execution environment has a worker of its own, which runs one invocation at a time.
 * - `stop`: code that runs can be stopped.
 * - `exit`: code that ends its own runtime ends nothing else.
 * - `memory`: code that uses up its memory ends nothing else; the executor's workers need a limit for its test.
 * - `children`: processes that the code started end with it.
 * - `background`: code goes on after its answer, as no runtime does that waits for the next invocation by blocking.
 * - `output`: what the code writes becomes log lines.
 * - `long-lines`: however much the code writes, it has all come when the outcome does.
 * - `uncaught`: errors that nobody catches, and rejections that nobody handles, are answered at once.
 * - `throw-value`: the language throws values that are no errors.
 * - `cause`: an error's cause crosses.
 * - `large`: 6 MiB each way.
 * - `streaming`: code can stream its response.
 * - `callbacks`: Node's handlers that are not async.
 * - `late`: the executor notices that the event loop is empty: until then a handler that returned nothing may end by a
 *   method of the context, and a callback's answer waits unless told not to.
 */
export type ExecutorFeature =
  | 'environment'
  | 'rotation'
  | 'workers'
  | 'stop'
  | 'exit'
  | 'memory'
  | 'children'
  | 'background'
  | 'output'
  | 'long-lines'
  | 'uncaught'
  | 'throw-value'
  | 'cause'
  | 'large'
  | 'streaming'
  | 'callbacks'
  | 'late'
