/**
 * The behaviours of the functions that the executor suite runs. The test sends `event`; every answer is JSON. The suite
 * has each as a JavaScript module (`src/testing/entry/conformance-functions.ts`); a factory for another language
 * provides its own.
 *
 * - `echo`: returns the event.
 * - `environment`: returns `{ atStart, now, count }`: all environment variables, while its module was loaded and now,
 *   and the number of this invocation in its execution environment.
 * - `context`: returns the context's fields: `{ awsRequestId, functionName, functionVersion, invokedFunctionArn,
 *   memoryLimitInMB, logGroupName, logStreamName, custom, cognitoIdentityId, cognitoIdentityPoolId, tenantId, traceId
 *   }`, all as text (including `memoryLimitInMB`), with null for absent ones; `custom` is the client context's member
 *   of that name, `traceId` the variable `_X_AMZN_TRACE_ID`.
 * - `remaining`: returns `[before, after]`: the remaining milliseconds, twice, with at least 50 ms in between.
 * - `count`: counts its invocations in a variable of its module, then returns the number; with `{ fail: true }` it
 *   throws instead.
 * - `throw`: throws, in a function named `failOnPurpose`, an error of type `ConformanceError` with the message
 *   `event.message`, caused by a `ConformanceCause` with the message `underneath`.
 * - `throw-value`: throws `event.value`, which is not an error.
 * - `print`: writes `<mark> one` LF, `<mark> 漢` CR LF, `event.bytes` times `x` LF and `<mark> unfinished` to standard
 *   output, and `<mark> to stderr` LF `{"level":"WARN","mark":"<mark>"}` LF to standard error, where `<mark>` is
 *   `event.mark`; returns null.
 * - `fail-at-start`: writes `about to fail` to standard error and throws a `ConformanceError` with the message `failed
 *   at start` while its module is loaded.
 * - `exit-at-start`: writes `about to exit` to standard error and exits with code 37 while its module is loaded.
 * - `plain`, `callback`, `method`, `late`: the styles of Node's handlers; see the modules.
 * - `obey`: connects to port `event.port` of 127.0.0.1 and follows the {@link Command}s that it reads there, one per
 *   line. Returns when the connection is closed.
 * - `stream`: streams its response, in this order: sets the content type `event.contentType`, or begins with the HTTP
 *   prelude `event.prelude`; writes each of `event.texts`; writes `event.bytes` bytes, each its index modulo 251, and
 *   waits when a write reports backpressure; behaves like `obey` on `event.port`; throws a `ConformanceError` with the
 *   message `event.message`; ends the stream. Steps without a field in the event are left out.
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
 * The suite's commands to a function with the behaviour `obey`.
 *
 * - `answer`: close the connection and return `answered`.
 * - `stay`: return `staying`, keep the connection open and follow it.
 * - `exit`: end the process (or the thread) with code 37.
 * - `exit 0`: the same with code 0.
 * - `loop`: never yield again.
 * - `start`: start a process with its own connection to the same port, which sends nothing and ends when that
 *   connection is closed.
 * - `grow`: use more memory than there is; give up at 1 GB.
 * - `reject`: leave a rejected promise, of a `ConformanceError` with the message `unheard`, without a handler.
 * - `throw`: throw a `ConformanceError` with the message `loose` where no code can catch it.
 */
export type Command = 'answer' | 'stay' | 'exit' | 'exit 0' | 'loop' | 'start' | 'grow' | 'reject' | 'throw'

/**
 * Features that not every executor, or not every language, has.
 *
 * - `environment`: local code has environment variables of its own.
 * - `rotation`: changed variables reach a worker without a restart; its module's state stays.
 * - `workers`: each execution environment has its own worker, which runs one invocation at a time.
 * - `stop`: running code can be stopped.
 * - `exit`: code that ends its own runtime ends nothing else.
 * - `memory`: code that uses up its memory ends nothing else; the executor's workers need a limit for its test.
 * - `children`: processes that the code started end with it.
 * - `background`: code goes on after its answer. A runtime that blocks while it waits for the next invocation cannot do
 *   that.
 * - `output`: the code's output becomes log lines.
 * - `long-lines`: regardless of its length, all output has arrived before the outcome.
 * - `uncaught`: uncaught errors and unhandled rejections are answered at once.
 * - `throw-value`: the language throws values that are not errors.
 * - `cause`: an error's cause is passed on.
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
