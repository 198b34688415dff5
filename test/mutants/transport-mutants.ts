import type { Mutants } from './mutation.js'

const MEMORY = 'src/transports/memory.ts'

/** Where a connection hands a frame over to be delivered. */
const DELIVER = 'setImmediate(deliver, this.#broker, to, copy)'
const SERVE = 'async serve(lanes: readonly number[]): Promise<void> {'
const KEEP = 'async keep(frame: Uint8Array): Promise<void> {'
const CLOSE = 'async close(): Promise<void> {'
const RECEIVE = 'this.#handlers.onFrame(frame)'
const REJECT = 'return Promise.reject(error)'
const SET_LANES = 'this.#lanes = new Set(lanes)'
const SET_KEPT = 'this.#replaceKept(this.#accept(frame))'
const WATCHED = 'const name = this.#watched.get(watched)'
const LIMITS = 'limits: { frameBytes },'
const SAME_NAME = 'name === self.name &&'

export const transportMutants: Mutants = {
  'a frame sent as soon as connect() has resolved arrives': {
    'subscribes after connect() has resolved': [
      MEMORY,
      'broker.connections.add(this)',
      'setImmediate(() => setImmediate(() => broker.connections.add(this)))',
    ],
  },
  'connect() with an aborted signal rejects with ABORTED': {
    'ignores the signal of connect()': [MEMORY, 'throwIfAborted(connectOptions.signal)', ''],
    "rejects with the signal's own reason": [
      MEMORY,
      'throwIfAborted(connectOptions.signal)',
      'connectOptions.signal?.throwIfAborted()',
    ],
  },
  'connect() settles when its signal is aborted meanwhile': {
    'never settles an aborted connect()': [
      MEMORY,
      'throwIfAborted(connectOptions.signal)',
      'await new Promise((resolve) => setImmediate(() => connectOptions.signal?.aborted || resolve()))',
    ],
  },
  'an aborted connect() receives nothing': {
    'leaves its subscription behind when connect() is aborted': [
      MEMORY,
      'throwIfAborted(connectOptions.signal)',
      `if (connectOptions.signal) new MemoryConnection(broker, self, handlers, {})
      await new Promise(setImmediate)
      throwIfAborted(connectOptions.signal)`,
    ],
  },
  'aborting the signal after connect() does not close the connection': {
    'closes when the signal of connect() is aborted later': [
      MEMORY,
      '{ watch = [], will }: ConnectOptions) {',
      `{ watch = [], will, signal }: ConnectOptions) {
      signal?.addEventListener('abort', () => this.end(undefined))`,
    ],
  },
  'an endpoint can be connected again after close()': {
    'accepts an endpoint once': [
      MEMORY,
      'broker.connections.add(this)',
      `const once = 'once ' + nameOf(self)
      if (!broker.kept.has(once)) broker.connections.add(this)
      broker.kept.set(once, new Uint8Array())`,
    ],
  },
  'expiresAt, if set, is a future time in Unix milliseconds': {
    'sets expiresAt in seconds': [
      MEMORY,
      'readonly closed: Promise<TetherError | undefined>',
      'readonly closed: Promise<TetherError | undefined>; readonly expiresAt = Date.now() / 1_000 + 3_600',
    ],
  },
  'a frame of any bytes arrives unchanged': {
    'decodes frames as text': [
      MEMORY,
      RECEIVE,
      'this.#handlers.onFrame(new TextEncoder().encode(new TextDecoder().decode(frame)))',
    ],
    'ends a frame at its first NUL': [
      MEMORY,
      RECEIVE,
      'this.#handlers.onFrame(frame.subarray(0, [...frame, 0].indexOf(0)))',
    ],
  },
  'a frame of any size up to limits.frameBytes arrives whole': {
    'truncates frames at 65,535 bytes': [
      MEMORY,
      RECEIVE,
      'this.#handlers.onFrame(frame.subarray(0, 65_535))',
    ],
    'subtracts its own header from limits.frameBytes': [
      MEMORY,
      DELIVER,
      `if (copy.length <= 131_072 - 16) ${DELIVER}`,
    ],
    'loses frames of one byte': [MEMORY, RECEIVE, `if (frame.length > 1) ${RECEIVE}`],
  },
  'only the view is sent of a larger buffer': {
    'sends the buffer under the view': [
      MEMORY,
      'return new Uint8Array(frame)',
      'return new Uint8Array(frame.buffer)',
    ],
  },
  'a sender may overwrite its bytes once send() has resolved': {
    "sends the caller's bytes, not a copy": [MEMORY, 'return new Uint8Array(frame)', 'return frame'],
    'copies the bytes after send() has resolved': [
      MEMORY,
      DELIVER,
      'setImmediate(() => deliver(this.#broker, to, Uint8Array.from(frame)))',
    ],
  },
  'later frames do not overwrite a received frame': {
    'reads every frame into one buffer': [
      MEMORY,
      'hear(frame: Uint8Array): void {',
      `readonly #buffer = new Uint8Array(131_072)
      hear(bytes: Uint8Array): void {
      this.#buffer.set(bytes)
      const frame = this.#buffer.subarray(0, bytes.length)`,
    ],
  },
  'frames sent concurrently all arrive': {
    'loses frames while one is being sent': [
      MEMORY,
      DELIVER,
      `if (!this.busy) ${DELIVER}
      this.busy = true
      setImmediate(() => { this.busy = false })`,
    ],
  },
  'a session and a stub send to each other': {
    'sends nothing from a session to a stub': [
      MEMORY,
      DELIVER,
      `if (to.role !== 'stub' || this.#self.role !== 'session') ${DELIVER}`,
    ],
  },
  'replacing a connection loses no frames': {
    'delivers to the oldest connection only': [
      MEMORY,
      'broker.connections.add(this)',
      'if (![...broker.connections].some((other) => other.receives(self))) broker.connections.add(this)',
    ],
  },
  'a session reaches every other session of its name': {
    'sends nothing from session to session': [MEMORY, DELIVER, `if (to.role !== this.#self.role) ${DELIVER}`],
  },
  'a frame reaches every connection of its endpoint': {
    'delivers a frame to one connection': [MEMORY, 'given = true', 'return'],
  },
  'name, limits and pricing have valid values': {
    'has no name': [MEMORY, "name: 'memory'", "name: ''"],
    'has a fractional frameBytes': [MEMORY, LIMITS, 'limits: { frameBytes: 131_072.5 },'],
    'allows no frame a second': [
      MEMORY,
      LIMITS,
      "limits: { frameBytes, rate: { frames: 0, counts: 'sent' } },",
    ],
    'has a negative price': [
      MEMORY,
      LIMITS,
      `${LIMITS} pricing: { unitBytes: 5_120, usdPerMillionUnits: -1, usdPerMillionMinutes: 0 },`,
    ],
    'counts units in an unknown way': [
      MEMORY,
      LIMITS,
      `${LIMITS} pricing: { unitBytes: 5_120, usdPerMillionUnits: 1, usdPerMillionMinutes: 0, counts: 'thrice' },`,
    ],
  },
  'send() rejects a frame over limits.frameBytes with TOO_LARGE and both sizes': {
    'drops frames that are too large': [MEMORY, REJECT, `if (error.code !== 'TOO_LARGE') ${REJECT}`],
    'throws instead of rejecting': [MEMORY, REJECT, 'throw error'],
    'does not report the sizes': [
      MEMORY,
      REJECT,
      "return Promise.reject(new TetherError(error.code, 'The frame was refused.'))",
    ],
  },
  'a frame over limits.frameBytes is not sent, and the connection stays usable': {
    'sends the first part of a frame that is too large': [
      MEMORY,
      REJECT,
      `if (frame.length > 131_072) this.send(to, frame.subarray(0, 131_072))
      ${REJECT}`,
    ],
    'closes at a frame that is too large, as a broker would': [
      MEMORY,
      REJECT,
      `this.end(undefined)
      ${REJECT}`,
    ],
  },
  'send() with an aborted signal rejects with ABORTED and sends nothing': {
    'ignores the signal of send()': [MEMORY, 'throwIfAborted(signal)', ''],
    'sends before it checks the signal': [
      MEMORY,
      'copy = this.#accept(frame, options)',
      `setImmediate(deliver, this.#broker, to, this.#accept(frame))
      copy = this.#accept(frame, options)`,
    ],
  },
  'a frame to an endpoint without connections does no harm': {
    'closes at a frame that no connection receives': [
      MEMORY,
      DELIVER,
      `if (![...this.#broker.connections].some((other) => other.receives(to))) this.end(undefined)
      ${DELIVER}`,
    ],
  },
  'large and small frames arrive while their receiver sends': {
    'receives nothing while it sends': [
      MEMORY,
      DELIVER,
      `this.hear = () => {}
      setImmediate(() => setImmediate(() => { delete this.hear }))
      ${DELIVER}`,
    ],
  },
  'endpoints with different apps are separate': {
    'ignores the app': [MEMORY, 'app === self.app &&', ''],
  },
  'endpoints with different stages are separate': {
    'ignores the stage': [MEMORY, 'stage === self.stage &&', ''],
  },
  'endpoints with different roles are separate': {
    'ignores the role': [MEMORY, 'role === self.role &&', ''],
  },
  'endpoints with different names are separate': {
    'ignores the name': [MEMORY, SAME_NAME, ''],
  },
  'stage and name are not joined ambiguously': Object.fromEntries(
    ['/', '.', ''].map((separator) => [
      `joins stage and name with '${separator}'`,
      [
        MEMORY,
        'const self = this.#self',
        `const self = this.#self
        const joined = ({ stage, name }) => stage + '${separator}' + name
        if (joined(self) === joined({ stage, name })) return true`,
      ],
    ]),
  ),
  "a stub's name may be any 22 characters of base64url": {
    'ignores the case of names': [MEMORY, SAME_NAME, 'name.toLowerCase() === self.name.toLowerCase() &&'],
  },
  "a session's name may be special to a broker": {
    'subscribes to + and # as they are': [
      MEMORY,
      SAME_NAME,
      "(name === self.name || self.name === '+' || self.name === '#') &&",
    ],
    'normalises Unicode': [MEMORY, SAME_NAME, 'name.normalize() === self.name.normalize() &&'],
    'replaces special characters by _': [
      MEMORY,
      SAME_NAME,
      "name.replace(/[^A-Za-z0-9.%$ ]/g, '_') === self.name.replace(/[^A-Za-z0-9.%$ ]/g, '_') &&",
    ],
    'takes $ for a topic of its own': [MEMORY, SAME_NAME, `!name.startsWith('$') && ${SAME_NAME}`],
  },
  'stage and name may have the maximum length, in any script': {
    'compares the first 64 characters of a name': [
      MEMORY,
      SAME_NAME,
      'name.slice(0, 64) === self.name.slice(0, 64) &&',
    ],
    'compares the last 64 characters of a name': [
      MEMORY,
      SAME_NAME,
      'name.slice(-64) === self.name.slice(-64) &&',
    ],
  },
  'a session receives every lane of its name': {
    'receives eight of sixteen lanes': [MEMORY, SAME_NAME, `lane < 8 && ${SAME_NAME}`],
  },
  'a session receives frames without a lane': {
    'loses frames without a lane': [
      MEMORY,
      DELIVER,
      `if (to.role === 'stub' || to.lane !== undefined) ${DELIVER}`,
    ],
  },
  'a session that connects with a lane receives only that lane': {
    'ignores the lane of connect()': [MEMORY, 'self.lane === undefined', 'true'],
  },
  'once serve() has resolved, its lanes arrive and no others': {
    'ignores serve()': [MEMORY, SET_LANES, ''],
    'adds lanes and removes none': [
      MEMORY,
      SET_LANES,
      'this.#lanes = new Set([...(this.#lanes ?? []), ...lanes])',
    ],
    'resolves serve() before the lanes are subscribed': [
      MEMORY,
      SET_LANES,
      'setImmediate(() => setImmediate(() => { this.#lanes = new Set(lanes) }))',
    ],
  },
  'serve() changes the lanes of a connection that was opened with one': {
    'always receives the lane of connect()': [
      MEMORY,
      SET_LANES,
      'this.#lanes = new Set([...lanes, this.#self.lane])',
    ],
  },
  'the last of several concurrent serve() calls takes effect': {
    'lets the next serve() overtake a slow one': [
      MEMORY,
      SET_LANES,
      `for (const _ of lanes) await new Promise(setImmediate)
      ${SET_LANES}`,
    ],
  },
  'serve() loses no frames of a lane that it keeps': {
    'unsubscribes all lanes before it subscribes the new ones': [
      MEMORY,
      SET_LANES,
      `this.#lanes = new Set()
      await new Promise((resolve) => setImmediate(setImmediate, resolve))
      ${SET_LANES}`,
    ],
  },
  'serve() changes the lanes of its own connection only': {
    'changes the lanes of every connection': [
      MEMORY,
      SET_LANES,
      'for (const connection of this.#broker.connections) connection.#lanes = new Set(lanes)',
    ],
  },
  'serve() after close() rejects with CLOSED': {
    'ignores serve() after close()': [MEMORY, SERVE, `${SERVE} if (this.#over?.code === 'CLOSED') return`],
  },
  'serve() of a broken connection rejects': {
    'ignores serve() when it is cut': [
      MEMORY,
      SERVE,
      `${SERVE} if (this.#over?.code === 'UNREACHABLE') return`,
    ],
  },
  'keeps.everyMs is a valid duration': {
    'does not know how often it keeps': [MEMORY, 'everyMs: 0', 'everyMs: Number.NaN'],
  },
  'a kept frame reaches later watchers unchanged, sessions and stubs': {
    'sends kept frames to earlier watchers only': [MEMORY, 'kept !== undefined', 'false'],
    'keeps text': [
      MEMORY,
      SET_KEPT,
      'this.#replaceKept(Buffer.from(Buffer.from(this.#accept(frame)).toString()))',
    ],
    'lets only sessions watch': [
      MEMORY,
      'new Map(watch.map(',
      "new Map(watch.filter(() => self.role === 'session').map(",
    ],
  },
  'a watcher receives each newly kept frame': {
    'sends a watcher one kept frame': [
      MEMORY,
      WATCHED,
      `const name = this.told ? undefined : this.#watched.get(watched)
      this.told = true`,
    ],
  },
  'a watcher of several names receives each frame with its name': {
    'gives every kept frame the first name': [MEMORY, WATCHED, 'const [name] = this.#watched.values()'],
  },
  'only the last kept frame remains': {
    'keeps the first frame': [MEMORY, 'kept.set(name, frame)', 'kept.has(name) || kept.set(name, frame)'],
    'sends later watchers an empty frame, too': [
      MEMORY,
      'if (kept !== undefined)',
      `if (kept !== undefined) setImmediate(() => this.#hearKept(new Uint8Array(), watched))
      if (kept !== undefined)`,
    ],
  },
  'kept frames and sent frames do not mix': {
    'gives kept frames to onFrame, too': [
      MEMORY,
      WATCHED,
      `${WATCHED}
      if (name !== undefined) this.hear(frame)`,
    ],
    'gives sent frames to onKept, too': [
      MEMORY,
      RECEIVE,
      `${RECEIVE}
      this.#handlers.onKept?.(frame, this.#self.name)`,
    ],
  },
  'a connection that does not watch receives no kept frame': {
    'sends kept frames to every connection': [MEMORY, WATCHED, `${WATCHED} ?? watched`],
  },
  'each name keeps its own frame, in its app and stage': {
    'keeps one frame for all names': [MEMORY, 'JSON.stringify([app, stage, name])', "'one'"],
    'watches names in small letters': [MEMORY, '[app, stage, name])', '[app, stage, name.toLowerCase()])'],
    'ignores the stage that it watches': [MEMORY, '[app, stage, name])', '[app, name])'],
  },
  'serve() changes neither the kept frame nor the watched names': {
    'stops watching at serve()': [
      MEMORY,
      SET_LANES,
      `${SET_LANES}
      this.#watched.clear()`,
    ],
  },
  'the caller may overwrite its bytes once keep() has resolved': {
    "keeps the caller's bytes, not a copy": [MEMORY, SET_KEPT, 'this.#replaceKept(frame)'],
  },
  'keep() rejects a frame over limits.frameBytes with TOO_LARGE and leaves the kept frame': {
    'keeps the first part of a frame that is too large': [
      MEMORY,
      SET_KEPT,
      'this.#replaceKept(this.#accept(frame.subarray(0, 131_072)))',
    ],
    'clears the kept frame when it rejects another': [
      MEMORY,
      SET_KEPT,
      `if (frame.length > 131_072) this.#replaceKept(new Uint8Array())
      ${SET_KEPT}`,
    ],
  },
  'keep() after close() rejects with CLOSED': {
    'ignores keep() after close()': [MEMORY, KEEP, `${KEEP} if (this.#over) return`],
  },
  'close() leaves the kept frame': {
    'keeps its will at close(), too': [MEMORY, 'reason !== undefined && this.#will', 'this.#will'],
    'removes the kept frame at close()': [
      MEMORY,
      CLOSE,
      `${CLOSE} this.#broker.kept.delete(nameOf(this.#self))`,
    ],
  },
  "a broken connection's will becomes the kept frame": {
    'has no will': [MEMORY, 'will && Uint8Array.from(will)', 'undefined'],
  },
  'a broken connection without a will leaves the kept frame': {
    'removes the kept frame of a broken connection': [
      MEMORY,
      'this.#resolveClosed(reason)',
      `if (reason) this.#broker.kept.delete(nameOf(this.#self))
      this.#resolveClosed(reason)`,
    ],
  },
  'closed is pending while the connection is open': {
    'resolves closed at once': [MEMORY, 'this.#resolveClosed = resolve', 'resolve()'],
  },
  'closed has resolved with undefined when close() resolves': {
    'resolves close() before it has closed': [
      MEMORY,
      'this.end(undefined)',
      'setImmediate(() => setImmediate(() => this.end(undefined)))',
    ],
    'gives a reason for its own close()': [
      MEMORY,
      'this.#resolveClosed(reason)',
      'this.#resolveClosed(this.#over)',
    ],
  },
  'close() may be repeated, also concurrently': {
    'rejects a second close()': [MEMORY, CLOSE, `${CLOSE} if (this.#over) throw this.#over`],
    'never resolves a second close()': [
      MEMORY,
      CLOSE,
      `${CLOSE} if (this.#over) await new Promise(() => {})`,
    ],
  },
  'await using closes the connection': {
    'has an asyncDispose that does nothing': [MEMORY, 'return this.close()', 'return Promise.resolve()'],
  },
  'send() after close() rejects with CLOSED': {
    'ignores send() after close()': [MEMORY, REJECT, `if (error.code !== 'CLOSED') ${REJECT}`],
    'rejects with a plain error after close()': [
      MEMORY,
      REJECT,
      'return Promise.reject(new Error(error.message))',
    ],
  },
  'nothing arrives after close()': {
    'leaves its subscription behind at close()': [
      MEMORY,
      'if (!this.#broker.connections.delete(this)) return',
      'if (this.#over) return',
    ],
  },
  'frames sent before close() arrive': {
    'discards its buffer at close()': [
      MEMORY,
      DELIVER,
      'setImmediate(() => this.#over ?? deliver(this.#broker, to, copy))',
    ],
  },
  'pending sends settle when close() is called': {
    'leaves sends pending at close()': [
      MEMORY,
      'return undefined',
      'return new Promise((resolve) => setImmediate(() => this.#over ?? resolve()))',
    ],
  },
  'close() leaves other connections of the endpoint open': {
    'closes every connection of the endpoint': [
      MEMORY,
      'this.end(undefined)',
      'for (const other of this.#broker.connections) if (other.receives(this.#self)) other.end(undefined)',
    ],
  },
  'closed of a broken connection resolves with a TetherError': {
    'takes a cut for its own close()': [
      MEMORY,
      'this.#resolveClosed(reason)',
      'this.#resolveClosed(undefined)',
    ],
    'rejects closed when it is cut': [
      MEMORY,
      'this.#resolveClosed(reason)',
      `this.closed.catch(() => {})
      this.#resolveClosed(reason && Promise.reject(reason))`,
    ],
    'does not notice that it was cut': [
      MEMORY,
      'connection.end(reason)',
      'broker.connections.delete(connection)',
    ],
  },
  'send() of a broken connection rejects': {
    'ignores send() when it is cut': [MEMORY, REJECT, `if (error.code !== 'UNREACHABLE') ${REJECT}`],
  },
  'a broken connection can be closed': {
    'never resolves close() when it is cut': [
      MEMORY,
      CLOSE,
      `${CLOSE} if (this.#over?.code === 'UNREACHABLE') await new Promise(() => {})`,
    ],
  },
}
