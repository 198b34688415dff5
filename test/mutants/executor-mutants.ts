import type { Mutant, Mutants } from './mutation.js'

const THREADS = 'src/executors/worker-thread.ts'
const THREAD = 'src/executors/thread/thread.ts'
const POOL = 'src/executors/pool/worker-pool.ts'
const SLOT = 'src/executors/pool/environment-slot.ts'
const JOB = 'src/executors/pool/job.ts'
const OUTPUT = 'src/executors/output/invocation-output.ts'
const LINES = 'src/executors/output/line-splitter.ts'
const ENVIRONMENT = 'src/executors/environment/local-environment.ts'
const ERRORS = 'src/executors/execution-errors.ts'
// These run in the thread.
const RUNTIME = 'src/executors/entry/thread-runtime.ts'
const HANDLER = 'src/executors/entry/call-handler.ts'
const REPORT = 'src/executors/entry/reported-errors.ts'
const STREAM = 'src/executors/entry/streaming/port-sink.ts'

const VALUE = "kind: 'value', body: message.body"
const EVENT = 'const event = new Uint8Array(task.event)'
const CALL = 'handler(call.event, context, callback)'
const WAITS = '!context.callbackWaitsForEmptyEventLoop ||'
const REPORTED = 'return toLambdaError(thrown)'
const UNCAUGHT = '(error) => this.#break(toSafeError(error))'
const UNHANDLED = 'this.#break(unhandledRejection(reason))'
const SETTLE = 'if (outcome) job.settle(outcome)'
const EXITED = 'exited(running.task, exitCode)'
const TIME_LIMIT = 'const timeLimitMs = Math.max(0,'
const SLOT_KEY = 'const key ='
const SUITS = 'if (!this.usable ||'
const GUARDED = 'const reason = guardReason(name, this.#platform)'
const CHUNK = 'this.#streamOf(message)?.push(message.bytes)'
const BEGIN = 'job.begin(stream)'
const CLOSE = 'const close = async () => {'
const ALL_OVER = 'await Promise.all([...this.#unsettled].map(({ over }) => over))'

/** An executor that shares the event loop of its host, and does not say so. */
export const UNDECLARED: Mutant = [
  'src/executors/inline.ts',
  'sharesEventLoop = true',
  'sharesEventLoop = false',
  /`sharesEventLoop` is false/,
]

/** The worker goes to a slot of its own, which close() ends. */
const LEAVES_RUNNING: Mutant = [
  POOL,
  `if (slot.running === job) {
      this.#retire(slot, 'assigned')`,
  `if (slot.running === job) {
      this.#slots.set(job, { ...slot, running: undefined })
      slot.assigned = undefined`,
  /was not stopped within/,
]

const RUNS_QUEUED: Mutant = [
  POOL,
  'slot.queue.splice(slot.queue.indexOf(job), 1)',
  '',
  /had no outcome within/,
]

const STOPS_AT_CLOSE: Mutant = [
  POOL,
  ALL_OVER,
  `for (const job of this.#unsettled) job.settle(new TetherError('ABORTED', 'stopped at close()'))
      ${ALL_OVER}`,
  /stopped at close/,
]

export const executorMutants: Mutants = {
  'the response is the value that the function returns': {
    'decodes responses as Latin-1': [
      THREAD,
      VALUE,
      "kind: 'value', body: Buffer.from(Buffer.from(message.body).toString('latin1'))",
      /deep-equal/,
    ],
  },
  'an event and a response may have 6 MiB': {
    'rejects events over 1 MiB': [
      POOL,
      'throwIfAborted(options.signal)',
      "if (task.event.length > 2 ** 20) throw new TetherError('TOO_LARGE', 'too much')",
      /too much/,
    ],
    'truncates responses at 1 MiB': [THREAD, VALUE, `${VALUE}.subarray(0, 2 ** 20)`, /encoded data/],
  },
  "the caller's event stays unchanged": {
    "moves the caller's bytes into the thread": [
      THREAD,
      EVENT,
      'const { event } = task',
      /bytes of the event have changed/,
    ],
  },
  'the next invocation runs a new build': {
    'keeps the first build of a function': [
      SLOT,
      '!sameBuild(this.#build, task.build)',
      'false',
      /deep-equal/,
    ],
  },
  'a handler that is not async answers with its return value': {
    'ignores the return value of a handler that is not async': [
      HANDLER,
      'done(null, returned)',
      'done(null)',
      /deep-equal/,
    ],
  },
  'a callback answers or fails the invocation': {
    'passes no callback': [HANDLER, CALL, 'handler(call.event, context)', /end is not a function/],
  },
  'context.succeed, done and fail end the invocation': {
    'passes a context without methods': [
      HANDLER,
      CALL,
      'handler(call.event, baseContext(call), callback)',
      /succeed is not a function/,
    ],
  },
  "a callback's answer waits for an empty event loop, unless the context says otherwise": {
    'never waits for an empty event loop': [HANDLER, WAITS, 'true ||', /deep-equal/],
    'always waits for an empty event loop': [HANDLER, WAITS, '', /deep-equal/],
  },
  'the context has every field of its invocation and none of the previous one': {
    'keeps the first context': [
      THREAD,
      'context: task.context,',
      'context: (this.context ??= task.context),',
      /deep-equal/,
    ],
    'drops the client context': [
      THREAD,
      'context: task.context,',
      'context: { ...task.context, clientContext: undefined },',
      /custom/,
    ],
  },
  'each invocation has its own trace id': {
    'keeps the first trace id': [
      RUNTIME,
      'context.traceId ?? null',
      'process.env._X_AMZN_TRACE_ID ?? context.traceId ?? null',
      /Root=1-/,
    ],
  },
  'the remaining time follows the deadline and counts down': {
    'returns the same remaining time each time': [
      HANDLER,
      '() => deadline - now()',
      '((left) => () => left)(deadline - now())',
      /ms were left/,
    ],
    'gives every function 60 s': [
      THREAD,
      'this.#options.deadlineOf(task)',
      'Date.now() + 60_000',
      /ms were left of 900000/,
    ],
  },
  'the environment is the given one with PATH and HOME, also while the module loads': {
    "passes the host's environment": [
      ENVIRONMENT,
      '...this.#inherited,',
      '...Object.keys(this.#host),',
      /deep-equal/,
    ],
    'drops empty variables': [ENVIRONMENT, 'admitted !== undefined', 'admitted', /deep-equal/],
    'sets the variables when the module has loaded': [
      'src/executors/entry/load-handler.ts',
      'const module = await loadModule(file, as, entry)',
      `const env = { ...process.env }
      for (const name in env) delete process.env[name]
      const module = await loadModule(file, as, entry)
      Object.assign(process.env, env)`,
      /loaded in another environment/,
    ],
  },
  'variables that run code are left out, and PATH and HOME are the machine’s': {
    "prefers the function's PATH": [
      ENVIRONMENT,
      GUARDED,
      "const reason = name === 'PATH' ? undefined : guardReason(name, this.#platform)",
      /deep-equal/,
    ],
    'passes variables that run code': [
      ENVIRONMENT,
      GUARDED,
      "const reason = name.startsWith('N') ? undefined : guardReason(name, this.#platform)",
      /They reached the function/,
    ],
  },
  'each invocation has its own variables': {
    'keeps the first variables': [THREAD, 'if (!changed) return undefined', 'return undefined', /deep-equal/],
    'adds variables and removes none': [
      'src/executors/environment-changes.ts',
      'if (!Object.hasOwn(to, name))',
      'if (false)',
      /deep-equal/,
    ],
  },
  'new credentials reach a running worker': {
    'starts a new worker for new variables': [SLOT, 'return this.#used ||', 'return', /deep-equal/],
  },
  'an error has its type, its message and its stack': {
    'reports every error as Error': [
      REPORT,
      REPORTED,
      "return { ...toLambdaError(thrown), errorType: 'Error' }",
      /'Error'/,
    ],
    'drops the stack': [
      REPORT,
      REPORTED,
      'return { ...toLambdaError(thrown), trace: [] }',
      /no 'failOnPurpose'/,
    ],
    'keeps the ASCII of a message': [
      REPORT,
      REPORTED,
      "return { ...toLambdaError(thrown), errorMessage: thrown.message.replace(/[^ -~]/g, '?') }",
      /no order for \?\?/,
    ],
    'rejects when the code fails': [
      POOL,
      SETTLE,
      `if (outcome?.kind === 'error') job.settle(new Error('local code failed'))
      else ${SETTLE}`,
      /local code failed/,
    ],
  },
  'an error includes its cause': {
    'drops the cause': [
      REPORT,
      REPORTED,
      'return { ...toLambdaError(thrown), cause: undefined }',
      /ConformanceCause/,
    ],
  },
  'a thrown value need not be an error': {
    'makes an error of each thrown value': [
      REPORT,
      REPORTED,
      'return toLambdaError(thrown instanceof Error ? thrown : new Error(String(thrown)))',
      /deep-equal/,
    ],
  },
  'a function keeps its state after an error': {
    'starts a new worker after an error': [
      POOL,
      SETTLE,
      `if (outcome?.kind === 'error') worker.outdate()
      ${SETTLE}`,
      /1 !== 3/,
    ],
  },
  'a function that fails to start is an error each time': {
    'answers null after an error': [
      POOL,
      'const outcome = await worker.run(job.task)',
      `const outcome = slot.failed ? { kind: 'value', body: Buffer.from('null') } : await worker.run(job.task)
      slot.failed = outcome?.kind === 'error'`,
      /no error but null/,
    ],
  },
  'the output of a failed start is available': {
    'drops the output of a module that loads': [
      RUNTIME,
      "this.#post({ kind: 'output', sequence, stream",
      "if (this.#handler) this.#post({ kind: 'output', sequence, stream",
      /Neither a line nor the message/,
    ],
  },
  'an exit while the module loads is an error at once': {
    'does not notice an exit': [THREAD, 'if (!running) return', 'return', /no outcome within/],
  },
  'an exit is an error at once, with the exit code': {
    'does not report the exit code': [THREAD, EXITED, "exited(running.task, 'the code')", /by the code/],
  },
  'an exit with code 0 is an error, too': {
    'answers null after an exit with code 0': [
      THREAD,
      EXITED,
      `(exitCode ? ${EXITED} : { kind: 'value', body: Buffer.from('null') })`,
      /no error but null/,
    ],
  },
  'an environment works again after its code exited between invocations': {
    'keeps a dead worker': [
      THREAD,
      `#ended(exitCode: number): void {
    this.#usable = false`,
      '#ended(exitCode: number): void {',
      /did not run within/,
    ],
  },
  'an unhandled rejection is an error at once': {
    'reports the reason of a rejection only': [
      RUNTIME,
      UNHANDLED,
      'this.#break(toSafeError(reason))',
      /ConformanceError/,
    ],
    'ignores unhandled rejections': [RUNTIME, UNHANDLED, 'reason', /no outcome within/],
  },
  'an uncaught error is an error at once': {
    'ignores uncaught errors': [RUNTIME, UNCAUGHT, '() => {}', /no outcome within/],
    'reports an uncaught error as an exit': [
      RUNTIME,
      UNCAUGHT,
      "(error) => this.#break({ ...toSafeError(error), errorType: 'Runtime.ExitError' })",
      /Runtime\.ExitError/,
    ],
  },
  'running out of memory is an error, and not a timeout': {
    'reports used-up memory as a timeout': [
      ERRORS,
      "'Runtime.OutOfMemory'",
      "'Sandbox.Timedout'",
      /Sandbox\.Timedout/,
    ],
  },
  'both streams arrive line by line, before the outcome': {
    'joins both streams': [
      THREAD,
      'output?.write(stream, text, time)',
      "output?.write('stdout', text, time)",
      /deep-equal/,
    ],
    'keeps carriage returns': [LINES, 'line.slice(0, -1)', 'line', /deep-equal/],
    'drops a last line without a line break': [LINES, "if (rest !== '')", 'if (false)', /deep-equal/],
    'sends lines after the outcome': [
      OUTPUT,
      'this.#task.onLog(',
      'setTimeout(this.#task.onLog, 50, ',
      /deep-equal/,
    ],
    'does not set the time of a line': [OUTPUT, 'this.#time = time', '', /was written at 0/],
  },
  'lines may have any length': {
    'truncates lines at 64 KiB': [
      LINES,
      'this.#onLine(',
      'line = line.slice(0, 65_536)\n    this.#onLine(',
      /deep-equal/,
    ],
    'stops reading at a line of 64 KiB': [
      LINES,
      'push(text: string): void {',
      'push(text: string): void { if (this.#rest.length > 65_536) return',
      /deep-equal/,
    ],
  },
  'a line of JSON has the level of its `level` field': {
    'reads no levels': [OUTPUT, 'levelOf(text)', 'undefined', /deep-equal/],
  },
  'each line reaches the invocation that wrote it': {
    'sends lines to the latest invocation': [
      OUTPUT,
      'this.#task = task',
      `InvocationOutput.latest = task
      this.#task = { onLog: (line) => InvocationOutput.latest.onLog(line) }`,
      /deep-equal/,
    ],
  },
  '`sharesEventLoop` is true if functions run on the event loop of their host, else false': {
    'shares the event loop and does not say so': UNDECLARED,
    'says that it shares the event loop, and has threads': [
      THREADS,
      "name: 'worker-threads',",
      "name: 'worker-threads', sharesEventLoop: true,",
      /`sharesEventLoop` is true/,
    ],
  },
  'module state belongs to one execution environment and lives as long': {
    'starts a worker for each invocation': [
      SLOT,
      SUITS,
      `if (this.#used) return false\n    ${SUITS}`,
      /deep-equal/,
    ],
    'has one worker for all environments': [POOL, SLOT_KEY, "const key = 'one' ||", /deep-equal/],
  },
  'several environments run concurrently': {
    'has one worker for all environments': [POOL, SLOT_KEY, "const key = 'one' ||", /did not run within/],
  },
  'an environment runs one invocation at a time': {
    'starts a worker for each invocation': [
      POOL,
      SLOT_KEY,
      'const key = Math.random() +',
      /ran beside the first/,
    ],
  },
  'code that never yields does not block other environments': {
    'has one worker for all environments': [POOL, SLOT_KEY, "const key = 'one' ||", /no outcome within/],
  },
  'after a reload the next invocation has new module state': {
    'does not reload': [
      THREADS,
      'reload: (functionId, build) => pool.reload(functionId, build),',
      'reload: async () => {},',
      /deep-equal|3 !== 1/,
    ],
  },
  'a running invocation finishes during a reload, and the next has a new worker': {
    'stops what runs at a reload': [
      POOL,
      'if (slot.running) slot.assigned?.outdate()',
      "if (slot.running) this.#giveUp(slot, slot.running, new TetherError('ABORTED', 'stopped by reload()'))",
      /stopped by reload/,
    ],
    'keeps the worker that runs during a reload': [
      POOL,
      'if (slot.running) slot.assigned?.outdate()',
      'if (slot.running) continue',
      /lives on within/,
    ],
  },
  'a reload leaves the workers of other functions': {
    'reloads every function': [
      POOL,
      `slot.functionId === functionId)
    const spareFor`,
      `true)
    const spareFor`,
      /deep-equal/,
    ],
  },
  "the outcome at the deadline is Lambda's own error, and not before": {
    'has a timeout error of its own': [ERRORS, "'Sandbox.Timedout'", "'TimeoutError'", /TimeoutError/],
    'ends the time early': [
      POOL,
      TIME_LIMIT,
      'const timeLimitMs = Math.max(0, -350 +',
      /timed out after 1\.1|time was not up/,
    ],
  },
  'waiting code is stopped at the deadline, and its environment works again': {
    'leaves the code running at the deadline': LEAVES_RUNNING,
  },
  'code that never yields is stopped at the deadline, and its environment works again': {
    'leaves the code running at the deadline': LEAVES_RUNNING,
  },
  'an invocation past its deadline does not run': {
    'gives every invocation a minute': [
      POOL,
      TIME_LIMIT,
      'const timeLimitMs = Math.max(60_000,',
      /no outcome within/,
    ],
  },
  'time in the queue counts, and a timeout there does not disturb others': {
    'gives an invocation in the queue a minute more': [
      POOL,
      TIME_LIMIT,
      'const timeLimitMs = Math.max(this.#slotOf(task).running ? 60_000 : 0,',
      /no outcome within/,
    ],
    'runs an invocation that ended in the queue': RUNS_QUEUED,
  },
  'an abort rejects with ABORTED and the reason': {
    'rejects with the reason itself': [
      POOL,
      'const error = abortError(signal)',
      'const error = signal.reason',
      /no TetherError but Error: enough/,
    ],
    'drops the reason': [
      POOL,
      'const error = abortError(signal)',
      "const error = new TetherError('ABORTED', 'aborted')",
      /enough/,
    ],
    'ignores the signal of what runs': [
      POOL,
      'job.listen(options.signal,',
      'job.listen(undefined,',
      /did not settle within/,
    ],
  },
  'an abort stops the code, and its environment works again': {
    'leaves the code running at an abort': LEAVES_RUNNING,
  },
  'an invocation aborted before its start does not run': {
    'checks the signal after the start': [
      POOL,
      'throwIfAborted(options.signal)',
      '',
      /had no outcome within/,
    ],
  },
  'an invocation aborted in the queue does not run and does not disturb others': {
    'runs an invocation that ended in the queue': RUNS_QUEUED,
    'aborts what runs in the environment, too': [
      POOL,
      'else this.#giveUp(slot, job, error)',
      'else for (const each of [slot.running, job]) this.#giveUp(slot, each, error)',
      /aborted by its signal/,
    ],
  },
  'a stream is returned when it begins, and its chunks arrive while the code runs': {
    'returns a stream when it has ended': [
      POOL,
      BEGIN,
      `await stream.body.ended
    ${BEGIN}`,
      /had no outcome within/,
    ],
    'drops the content type': [
      JOB,
      "kind: 'stream', contentType, body",
      "kind: 'stream', body",
      /event-stream/,
    ],
  },
  'a stream has the written bytes in their order': {
    'swaps each two chunks': [
      THREAD,
      CHUNK,
      `if (this.held) this.#streamOf(message)?.push(message.bytes)
        if (this.held) this.#streamOf(message)?.push(this.held)
        this.held = this.held ? undefined : message.bytes`,
      /is not the one that was written/,
    ],
    'loses the last chunk': [
      THREAD,
      CHUNK,
      `if (this.held) this.#streamOf(message)?.push(this.held)
        this.held = message.bytes`,
      /another length/,
    ],
  },
  'a stream begins with its HTTP prelude, and is empty without a write': {
    'drops the prelude': [
      'src/executors/entry/streaming/http-response-stream.ts',
      'write(json)',
      '',
      /statusCode/,
    ],
  },
  'an error before the first byte is thrown by the stream': {
    'ends a stream at an error': [THREAD, 'if (message.error) this', 'if (false) this', /without an error/],
  },
  'an error after the first byte is thrown by the stream, after the written bytes': {
    'ends a stream at an error': [THREAD, 'if (message.error) this', 'if (false) this', /without an error/],
    'sends the error before the written bytes': [
      STREAM,
      'if (length > 0) this.#post({',
      'if (length > 0) setTimeout(this.#post, 50, {',
      /late/,
    ],
  },
  'code that streams waits while its stream is not read': {
    'sends whatever the code writes': [
      STREAM,
      'Math.max(0, STREAM_WINDOW_BYTES - this.#unread)',
      'chunk.length',
      /has written 8 MiB/,
    ],
  },
  "a stream ends at the deadline with Lambda's own error, after the written bytes": {
    'ends a stream without an error at the deadline': [
      JOB,
      'body.fail(new HandlerError(end.error))',
      'body.end()',
      /without an error/,
    ],
    'has no deadline for streams': [POOL, BEGIN, `${BEGIN}\n    job.cancelEnd()`, /did not end within/],
  },
  'an abort ends a stream with ABORTED, and stops its code': {
    'ignores the signal once the code streams': [
      JOB,
      'this.#body = body',
      'this.#body = body\n    this.#unlisten()',
      /did not end within/,
    ],
  },
  'leaving a stream stops its code, and its environment streams again': {
    'reads on when its reader has left': [
      POOL,
      'stream.body.returned.then(',
      'new Promise(() => {}).then(',
      /was not stopped within/,
    ],
  },
  'a stream ends with the exit code of its code': {
    'ends a stream without an error when its code exits': [
      THREAD,
      "if (outcome?.kind === 'error') stream",
      'if (false) stream',
      /without an error/,
    ],
  },
  'an environment runs its next invocation after its stream has ended': {
    'runs the next invocation beside a stream': [
      POOL,
      SLOT_KEY,
      'const key = Math.random() +',
      /ran beside a stream/,
    ],
  },
  'close() waits for streams': {
    'stops streams at close()': STOPS_AT_CLOSE,
  },
  'close() lets running invocations finish and rejects new ones': {
    'stops what runs at close()': STOPS_AT_CLOSE,
    'accepts invocations after close()': [
      POOL,
      'if (this.#closing) throw',
      'if (false) throw',
      /did not settle within/,
    ],
  },
  'close() resolves after the running invocations': {
    'waits for nothing at close()': [
      THREADS,
      'await pool.close()',
      'void pool.close()',
      /resolved while an invocation ran/,
    ],
  },
  'close() may be called twice, and await using closes': {
    'rejects a second close()': [
      POOL,
      'close(): Promise<void> {',
      `close(): Promise<void> { if (this.#closing) return Promise.reject(new Error('closed already'))`,
      /closed already/,
    ],
  },
  'await using leaves nothing running': {
    'has an asyncDispose that does nothing': [
      THREADS,
      '[Symbol.asyncDispose]: close',
      '[Symbol.asyncDispose]: async () => {}',
      /lives on within/,
    ],
  },
  'close() leaves nothing running': {
    'leaves idle workers at the first close()': [
      THREADS,
      CLOSE,
      `${CLOSE}
    if (!pool.closed) return void (pool.closed = true)`,
      /lives on within/,
    ],
  },
  'processes that the code started end with it': {
    'ends the leader of a process group only': [
      'src/executors/process/group.ts',
      "process.platform === 'win32' ? pid : -pid",
      'pid',
      /started lives on within/,
    ],
  },
}
