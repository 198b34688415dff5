import { randomBytes } from 'node:crypto'
import { onAbort } from '../base/abort.js'
import { systemClock } from '../base/clock.js'
import { TetherError, throwIfAborted } from '../base/errors.js'
import { checkSignal, checkText } from '../base/option-checks.js'
import { checkOptions } from '../base/options.js'
import { printable } from '../base/printable.js'
import type { Answer } from '../contracts/executor.js'
import type { BuildWarning } from '../contracts/function-source.js'
import { type AbortOptions, checkEndpoint, type Endpoint, type Transport } from '../contracts/transport.js'
import { Lanes } from '../link/lanes.js'
import type { LinkStatus } from '../link/link.js'
import { Echo, UNHEARD_MS } from '../naming/echo.js'
import { daysBetween, isFarAhead } from '../naming/epochs.js'
import { NameClaim } from '../naming/name-claim.js'
import { Presence } from '../naming/presence.js'
import type { TeamMember } from '../naming/roster.js'
import { SessionPayloads } from '../payload/session-payloads.js'
import { checkCard, checkTake, type Take } from '../sharing/take.js'
import { Channel } from '../wire/channel.js'
import type { Discard } from '../wire/counters.js'
import { Counters } from '../wire/counters.js'
import { scopeOf } from '../wire/frame.js'
import { peerShapes, stubShapes } from '../wire/message-shapes.js'
import { openPresence, sealPresence } from '../wire/presence-frame.js'
import type { PeerMessage, PresenceMessage } from '../wire/protocol.js'
import { Refusals } from '../wire/refusal.js'
import { Dispatcher } from './dispatcher.js'
import { SessionEmitter } from './emitter.js'
import type { SessionEvents } from './events.js'
import type { ServeOptions } from './functions/options.js'
import { FunctionTable, type SessionFunctions } from './functions/table.js'
import type { TargetParts } from './functions/target.js'
import { Received } from './harness/received.js'
import { type NextOptions, Waiters } from './harness/waiters.js'
import type { Invocation } from './invocation.js'
import { checkSessionOptions, type SessionOptions, sessionKeys } from './options.js'
import type { ReplayOnSaveOptions } from './replay/on-save.js'
import type { ReplayOutcome } from './replay/outcome.js'
import { type RemoteCall, Replays } from './replay/replays.js'
import { checkReplayable, type Replayable, type ReplayOptions } from './replay/request.js'
import { type SessionStats, sessionStats } from './stats.js'
import { Team, teamEndpoints } from './team.js'

const DEFAULT_MAX_KEPT_BYTES = 64 * 1024 * 1024
const DEFAULT_MAX_CONNECTIONS = 4

/** Dependencies injected into the core, which knows no file system, no executor and no AWS. */
export interface SessionParts extends TargetParts {
  invokeRemotely(call: RemoteCall): Promise<Answer>
}

/**
 * The developer's side: receives invocations, runs local code or hands them to listeners, and sends the answers back.
 * Construct, listen, `open()`. `close()` lets running invocations finish, and `await using` closes.
 */
export class Session implements AsyncDisposable {
  readonly app: string
  readonly stage: string
  /** The name that stubs use; sessions with other names share the stage. */
  readonly name: string
  /** For example `mqtt`. */
  readonly transportName: string
  readonly #self: Endpoint
  readonly #lanes: Lanes
  readonly #dispatcher: Dispatcher
  readonly #nameClaim: NameClaim
  readonly #presence: Presence | undefined
  readonly #echo: Echo | undefined
  readonly #team: Team | undefined
  readonly #emitter: SessionEmitter
  readonly #waiters: Waiters
  readonly #received = new Received()
  readonly #parts: SessionParts
  readonly #replays: Replays
  readonly #counters: Counters
  readonly #transport: Transport
  /** The served functions, which can be changed after `serve`. */
  readonly functions: SessionFunctions = {
    set: (functionId, target) => this.#served().set(functionId, target),
    delete: (functionId) => this.#served().delete(functionId),
    refresh: () => this.#served().refresh(),
    list: () => this.#functions?.list() ?? [],
  }
  #status: LinkStatus = { state: 'closed' }
  #take: Take | undefined
  #functions: FunctionTable | undefined
  /** Whether it announces its presence. Not before it has seen the others, if it may have to refuse to open. */
  #isVisible = true
  #state: 'new' | 'opening' | 'open' | 'closing' = 'new'
  #closing: Promise<void> | undefined

  /** Made by `createSession`. @throws TetherError `INVALID_OPTION` */
  constructor(options: SessionOptions, parts: SessionParts) {
    const { app, stage, name = 'default', transport, team, take } = checkSessionOptions(options)
    const clock = options.clock ?? systemClock
    this.#emitter = new SessionEmitter(clock)
    this.#parts = parts
    this.app = app
    this.stage = stage
    this.name = name
    this.transportName = transport.name
    this.#self = checkEndpoint({ app, stage, role: 'session', name })
    this.#waiters = new Waiters(clock)
    this.#transport = transport
    const counters = new Counters(transport)
    const shares = team !== undefined || take !== undefined
    const keeps = shares || transport.keeps?.onRequest !== true ? transport.keeps : undefined
    this.#take = take && structuredClone(take)
    this.#counters = counters
    const onDiscard = (discard: Discard) => {
      counters.discards[discard.reason]++
      // The message quotes the sender.
      this.#emitter.emitNow('discard', { ...discard, message: printable(discard.message) })
    }
    const keys = sessionKeys(options)
    const hearPeer = (message: PeerMessage | PresenceMessage) => {
      const { epoch, session } = message
      const now = clock.now()
      if (!isFarAhead(epoch, now)) return this.#nameClaim.hear(message)
      const text = `Session ${session} of this name claims an epoch ${daysBetween(epoch, now)} days ahead of this machine's clock: set that machine's clock, or this one's.`
      onDiscard({ reason: 'clock', message: text })
    }
    const refusals = new Refusals({ keys, clock, send: (to, frame) => this.#lanes.send(to, frame) })
    const channel: Channel<'stub'> = new Channel<'stub'>({
      self: this.#self,
      keys,
      frameBytes: transport.limits.frameBytes,
      clock,
      counters,
      send: (to, frame, sendOptions) => this.#lanes.send(to, frame, sendOptions),
      onMessage: (message, from, number) => this.#dispatcher.receive(message, from, number),
      reads: stubShapes(),
      refuse: (reason, stub) => refusals.refuse(reason, stub),
      peers: { reads: peerShapes(), onMessage: hearPeer },
      onPart: (id, from) => {
        if (this.#nameClaim.mayServe(0)) this.#dispatcher.part(id, from)
      },
      onDiscard,
    })
    this.#lanes = new Lanes({
      transport,
      self: this.#self,
      clock,
      counters,
      max: options.connections?.max ?? DEFAULT_MAX_CONNECTIONS,
      onFrame: (frame) => channel.receive(frame),
      watch: teamEndpoints(this.#self, team),
      onKept: (frame, of) => {
        if (of !== name) return this.#team?.hear(frame, of)
        const message = openPresence(keys.all, this.#self, frame)
        this.#presence?.hear(frame, message)
        if (message !== undefined) hearPeer(message)
      },
      ...(keeps === undefined ? {} : { will: () => this.#presence!.will() }),
      sign: (purpose, ...parts) => keys.first.sign(purpose, parts),
      identity: () => ({ session: this.#nameClaim.session, epoch: this.#nameClaim.epoch }),
      onStatus: (status) => {
        this.#status = status
        if (status.state === 'connected') {
          this.#nameClaim.claim()
          if (this.#isVisible) this.#presence?.online()
          if (!this.#isClosing()) this.#echo?.listen()
        } else this.#echo?.stop()
        this.#emitter.emitNow('status', status)
        if (status.state === 'connected') this.#team?.connected(this.#lanes.watching)
      },
    })
    this.#nameClaim = new NameClaim({
      session: randomBytes(16).toString('base64url'),
      clock,
      // Frames kept only for requests do not reveal a session that is already there.
      keeps: keeps !== undefined && keeps.onRequest !== true,
      send: (message) => {
        // Sent again while it matters.
        for (const scope of keys.scopes)
          channel.send({ ...this.#self, lane: 0 }, message, { scope }).catch(() => {})
      },
      onRaised: () => {
        if (this.#isVisible) this.#presence?.online()
      },
      onEcho: () => this.#echo?.heard('frames'),
      onDisplaced: (holder) => this.#onDisplaced(holder),
    })
    if (keeps !== undefined) {
      this.#presence = new Presence({
        everyMs: keeps.everyMs,
        take: () => this.#take,
        clock,
        identity: this.#nameClaim,
        seal: (message) => sealPresence(keys.first, this.#self, message),
        keep: (frame) => this.#lanes.keep(frame),
        onConfirmed: () => this.#echo?.heard('kept'),
        onReplayed: (what) => {
          const text = `The broker kept ${what} for session '${name}' in place of what this session said; it was said again.`
          onDiscard({ reason: 'replayed', message: text })
        },
      })
    }
    if (transport.describe !== undefined) {
      this.#echo = new Echo({
        clock,
        words: keeps === undefined ? ['frames'] : ['frames', 'kept'],
        again: () => this.#nameClaim.claim(),
        onUnheard: (words) => {
          const addresses = words.map((word) => transport.describe!({ ...this.#self, lane: 0 }, word))
          this.#emitter.emitNow('status', { state: 'unheard', error: unheard(name, addresses) })
        },
        onHeard: () => this.#emitter.emitNow('status', { state: 'heard' }),
      })
    }
    if (team !== undefined) {
      this.#team = new Team({
        team,
        self: this.#self,
        keys: keys.all,
        clock,
        transport,
        onConflict: options.onConflict ?? 'warn',
        take: () => this.#take,
        onChange: (member) => this.#emitter.emitNow('team', member),
        warn: (state, error) => this.#emitter.emitNow('status', { state, error }),
      })
      this.#isVisible = !this.#team.cautious
    }
    const payloads = new SessionPayloads({
      store: options.store,
      app,
      stage,
      inlineBytes: transport.limits.frameBytes,
      counters,
      onFailure: (error) => this.#emitter.emitNow('status', { state: 'store-failed', error }),
    })
    this.#dispatcher = new Dispatcher({
      name,
      named: shares,
      payloads,
      counters,
      identity: this.#nameClaim,
      mayServe: (epoch) => this.#nameClaim.mayServe(epoch),
      clock,
      rate: transport.limits.rate,
      maxKeptBytes: options.maxKeptBytes ?? DEFAULT_MAX_KEPT_BYTES,
      emitter: this.#emitter,
      waiters: this.#waiters,
      received: this.#received,
      functions: () => this.#functions,
      send: (to, message, sendOptions) => channel.reply(to, message, sendOptions),
      missing: (reference) => channel.missing(reference),
      covers: (from, functionId) => keys.covers(scopeOf(from), functionId),
      proven: (from) => channel.proven(from),
      prove: (from, number) => channel.prove(from, number),
      discard: onDiscard,
    })
    this.#replays = new Replays({
      desk: this.#dispatcher.desk,
      invokeRemotely: (call) => parts.invokeRemotely(call),
      state: () => this.#state,
    })
  }

  /** The connection's state; each change is a `status` event. */
  get status(): LinkStatus {
    return this.#status
  }

  /**
   * For each connection that is up, how many of the session's 16 lanes it receives. Stubs are spread over the lanes.
   */
  get lanes(): readonly number[] {
    return this.#lanes.sizes
  }

  /** The session's statistics so far: a copy, cheap enough to read every second, available after `close()` too. */
  stats(): SessionStats {
    return sessionStats(this.#counters, this.#lanes, this.#transport.pricing)
  }

  /** Adds a listener; see {@link SessionEvents}. @throws TetherError `INVALID_OPTION` for an unknown event */
  on<K extends keyof SessionEvents>(event: K, listener: SessionEvents[K]): this {
    this.#emitter.on(event, listener)
    return this
  }

  /** Like `on`, but only for the next event. @throws TetherError `INVALID_OPTION` */
  once<K extends keyof SessionEvents>(event: K, listener: SessionEvents[K]): this {
    this.#emitter.on(event, listener, true)
    return this
  }

  /** Removes a listener. */
  off<K extends keyof SessionEvents>(event: K, listener: SessionEvents[K]): this {
    this.#emitter.off(event, listener)
    return this
  }

  /**
   * Serves functions with local code. The session closes the executor and the sources.
   * @throws TetherError `INVALID_OPTION`, also when called twice: use `functions` to change the served functions
   */
  serve(options: ServeOptions): this {
    if (this.#functions !== undefined) {
      throw new TetherError(
        'INVALID_OPTION',
        'serve() was called before; change what is served with session.functions.set().',
      )
    }
    this.#functions = new FunctionTable(options, this.#parts, (functionId, done, asked) => {
      const startedAt = this.#emitter.reading()
      const report = (warnings: readonly BuildWarning[], error?: TetherError) => {
        const times = this.#emitter.since(startedAt)
        this.#emitter.emit('reload', { functionId, warnings, ...(error && { error }), ...times })
      }
      done.then(
        (warnings) => {
          if (!asked || warnings.length > 0) report(warnings)
          if (!asked) this.#replays.reloaded(functionId, undefined)
        },
        (error: TetherError) => {
          if (asked) return
          report([], error)
          this.#replays.reloaded(functionId, error)
        },
      )
    })
    if (this.#state !== 'new') this.#functions.prewarm()
    return this
  }

  /**
   * Connects. Resolves when invocations arrive and no earlier session of this name answers later ones. Afterwards the
   * session reconnects by itself. May be called again after a failed connection attempt. If the signal fires after
   * connecting, the session closes.
   * @throws TetherError `UNREACHABLE`, `ABORTED`, `CLOSED`, `MISSING_DEPENDENCY`; `DISPLACED` when another session of
   * the name opened at the same moment; `CONFLICT` with `onConflict: 'refuse'`
   */
  async open(options: AbortOptions = {}): Promise<this> {
    checkOptions<AbortOptions>('open', options, { signal: checkSignal })
    throwIfAborted(options.signal)
    if (this.#state === 'closing') throw new TetherError('CLOSED', 'This session was closed; make another.')
    if (this.#state !== 'new') throw new TetherError('INVALID_OPTION', 'open() was called before.')
    this.#state = 'opening'
    this.#emitter.opened()
    this.#functions?.prewarm()
    this.#nameClaim.opened()
    this.#dispatcher.opened()
    try {
      await this.#lanes.open(options)
    } catch (error) {
      if (this.#state === 'opening') this.#state = 'new'
      throw error
    }
    this.#dispatcher.connected()
    try {
      if (this.#team?.cautious) {
        await this.#team.settled(options)
        this.#team.check()
        this.#isVisible = true
        this.#presence?.online()
      }
      // Until then, a stub may believe that there is no session, because the previous one closed.
      await this.#presence?.confirmed(options)
      await this.#nameClaim.held(options)
    } catch (error) {
      this.close().catch(() => {})
      throw error
    }
    if (this.#isClosing()) {
      if (!this.#nameClaim.displaced)
        throw new TetherError('CLOSED', 'This session was closed while it opened.')
      const text = `Another session '${this.#self.name}' opened at the same moment, and has the name.`
      throw new TetherError('DISPLACED', text)
    }
    this.#state = 'open'
    if (this.#team?.cautious === false) this.#team.check()
    return this
  }

  /**
   * The members of the team on the stage, in the order of its list, with the invocations that each takes: this session,
   * while it is open, and the others as far as the broker reports them. Empty without a `team`.
   */
  team(): readonly TeamMember[] {
    if (this.#team === undefined) return []
    const { session, epoch: since } = this.#nameClaim
    const { name } = this.#self
    const take = this.#take && { take: this.#take }
    const own: TeamMember = { name, session, state: 'online', since, own: true, ...take }
    return this.#state === 'open' ? this.#team.inOrder(own) : this.#team.members
  }

  /**
   * Changes the invocations that it takes. Warm environments follow within a second, behind API Gateway within six.
   * Invocations already sent to it stay.
   * @param take undefined for all that are addressed to it
   * @throws TetherError `INVALID_OPTION`, also if the broker keeps nothing; `TOO_LARGE`, `CLOSED`
   */
  setTake(take: Take | undefined): void {
    if (this.#state === 'closing') throw new TetherError('CLOSED', 'This session was closed; make another.')
    if (take !== undefined) checkTake('take', take)
    checkCard(take, this.#transport)
    if (this.#presence === undefined)
      throw new TetherError(
        'INVALID_OPTION',
        "setTake() needs a session that was made with 'team' or 'take', and a broker that keeps what it takes.",
      )
    this.#take = take && structuredClone(take)
    if (this.#isVisible && this.#status.state === 'connected') this.#presence.online()
  }

  /**
   * Reloads a function's local code, for hosts that detect changes themselves.
   * @throws TetherError `INVALID_OPTION`, `BUILD_FAILED`, `CLOSED`
   */
  async reload(functionId: string): Promise<void> {
    await this.#served().reload(functionId)
  }

  /**
   * Takes the next invocation of a function that arrives from now on, even before served code; the caller answers it.
   * @throws TetherError `TIMEOUT`, `ABORTED`, `CLOSED`; and any error of `where`
   */
  async next<E = unknown>(functionId: string, options: NextOptions<E> = {}): Promise<Invocation<E>> {
    if (this.#state === 'closing') throw new TetherError('CLOSED', 'This session was closed; make another.')
    return this.#waiters.next(functionId, options, () => this.#state === 'open')
  }

  /**
   * The invocations of a function that have arrived so far, oldest first, no matter how they were answered. For
   * assertions: the last 1,000 invocations of all functions are kept, or fewer if their events exceed 32 MiB together.
   * @throws TetherError `INVALID_OPTION`
   */
  received<E = unknown>(functionId: string): readonly Invocation<E>[] {
    checkText('functionId', functionId)
    return this.#received.of<E>(functionId)
  }

  /**
   * Runs a recorded invocation again. By default it runs here, as if it had arrived: the same event and context, with
   * the variables of the function's last invocation in this session and `LAMBDA_TETHER_REPLAY=true`, for `next`,
   * listeners or served code. It is marked (`invocation.replayed`) and its outcome goes only to the caller; its side
   * effects happen again. With `as: 'remote'` the real function is invoked.
   * @throws TetherError `CLOSED` unless the session is open, `INVALID_OPTION`, `ABORTED`, `DISPLACED`; and any error of
   * `event`. Remote replays also throw `UNREACHABLE`, with the refusal of AWS, and `MISSING_DEPENDENCY`
   */
  async replay(record: Replayable, options: ReplayOptions = {}): Promise<ReplayOutcome> {
    return this.#replays.replay(record, options)
  }

  /**
   * Runs a recorded invocation again, here, after each reload of its function, until the returned object is disposed of
   * or the session closes. A newer save ends a run that is still under way.
   * @returns ends the replays when disposed of
   * @throws TetherError `INVALID_OPTION`, also if the function is not served; `CLOSED`
   */
  replayOnSave(record: Replayable, options: ReplayOnSaveOptions = {}): Disposable {
    checkReplayable(record)
    this.#served().load(record.functionId)
    return this.#replays.onSave(record, options)
  }

  /**
   * Accepts no more invocations, waits for running ones to answer (at most until the deadline of each), says goodbye if
   * the broker keeps presence (three seconds at most), then disconnects. Idempotent. Firing the signal, of this call or
   * a later one, stops invocations that still run.
   */
  close(options: AbortOptions = {}): Promise<void> {
    const { signal } = checkOptions<AbortOptions>('close', options, { signal: checkSignal })
    this.#closing ??= this.#close()
    const unlisten = onAbort(signal, () => this.#dispatcher.stop())
    void this.#closing.finally(unlisten).catch(() => {})
    return this.#closing
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #served(): FunctionTable {
    if (this.#state === 'closing') throw new TetherError('CLOSED', 'This session was closed; make another.')
    if (this.#functions !== undefined) return this.#functions
    throw new TetherError('INVALID_OPTION', 'Nothing is served; call serve() first.')
  }

  #onDisplaced({ session: by, epoch }: Pick<PeerMessage, 'session' | 'epoch'>): void {
    this.#presence?.abandon()
    this.#dispatcher.abandon()
    this.#emitter.emit('displaced', { by, epoch, ...this.#emitter.at() })
    // Failures are reported elsewhere; this call has no caller to tell.
    this.close().catch(() => {})
  }

  async #close(): Promise<void> {
    this.#state = 'closing'
    this.#echo?.stop()
    this.#team?.close()
    this.#nameClaim.close()
    this.#waiters.close()
    this.#replays.close()
    try {
      const drained = this.#dispatcher.close()
      if (!this.#dispatcher.idle) this.#presence?.leaving()
      await drained
      await this.#functions?.close()
      await this.#presence?.close()
    } finally {
      await this.#lanes.stop()
      this.#emitter.emitNow('close')
    }
  }

  // A method rather than an inline comparison: an await may have closed the session, which the compiler cannot see.
  #isClosing(): boolean {
    return this.#state === 'closing'
  }
}

function unheard(name: string, addresses: readonly string[]): TetherError {
  const text =
    `What session '${name}' sends to its own name did not come back within ${UNHEARD_MS / 1_000} s, so invocations may not arrive either. ` +
    'The broker is slow, or accepts and drops it: its access list has to let the session send to and receive from ' +
    `${addresses.map((one) => `'${one}'`).join(' and ')}.`
  return new TetherError('UNREACHABLE', text, { details: { addresses } })
}
