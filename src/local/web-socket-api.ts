import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { EventEmitter } from 'eventemitter3'
import { WebSocketServer } from 'ws'
import { type Clock, systemClock } from '../core/clock.js'
import { ApiGatewayAuthorizer } from './api-gateway-authorizer.js'
import { GatewayConnection } from './api-gateway-connection.js'
import {
  type ConnectionFacts,
  connectEvent,
  connectionFacts,
  disconnectEvent,
  messageEvent,
  type WebSocketEnding,
  type WebSocketEvent,
} from './api-gateway-event.js'
import type { WebSocketApiEvents, WebSocketApiStats } from './api-gateway-events.js'
import { callIntegration, type IntegrationOutcome, selectRoute } from './api-gateway-integration.js'
import { type WebSocketApiLimits, webSocketApiLimits } from './api-gateway-limits.js'
import { manageConnection, sendAnswer } from './api-gateway-management.js'
import { connectRefusal, decideConnect, refuseUpgrade, type UpgradeRefusal } from './api-gateway-upgrade.js'
import { type HttpListener, listen } from './http-listener.js'
import { RateWindow } from './iot-rate.js'
import type {
  CutOptions,
  OpenConnection,
  WebSocketApi,
  WebSocketApiOptions,
} from './web-socket-api-options.js'

export type {
  CutOptions,
  OpenConnection,
  WebSocketApi,
  WebSocketApiOptions,
} from './web-socket-api-options.js'

/**
 * Serves functions as an API Gateway WebSocket API does, with its limits, routes chosen by `$request.body.action`, and
 * `@connections`.
 * @throws TetherError `INVALID_OPTION` by name, `UNREACHABLE` when the port is taken
 */
export async function webSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const api = new LocalWebSocketApi(options)
  await api.listen()
  return api
}

const ACCOUNT_ID = '123456789012'

interface Member {
  readonly connection: GatewayConnection
  readonly query: Readonly<Record<string, string>>
}

class LocalWebSocketApi implements WebSocketApi {
  readonly apiId: string
  readonly stage: string
  readonly #options: WebSocketApiOptions
  readonly #clock: Clock
  readonly #limits: WebSocketApiLimits
  readonly #authorizer: ApiGatewayAuthorizer
  readonly #requests: RateWindow
  readonly #connects: RateWindow
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => false,
  })
  readonly #members = new Map<string, Member>()
  readonly #sockets = new Set<Duplex>()
  // The ids of those whose end `$disconnect` is not told.
  readonly #unreported = new Set<string>()
  readonly #events = new EventEmitter()
  readonly #closed = new AbortController()
  readonly #messages: Record<string, number> = {}
  readonly #invocations: Record<string, number> = {}
  #posts = 0
  #listener: HttpListener | undefined

  constructor(options: WebSocketApiOptions) {
    const { region = 'us-east-1', accountId = ACCOUNT_ID, identities, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#limits = webSocketApiLimits(options.limits)
    this.#authorizer = new ApiGatewayAuthorizer({ region, accountId, identities, clock })
    this.#requests = new RateWindow(this.#limits.requestsPerSecond)
    this.#connects = new RateWindow(this.#limits.connectsPerSecond)
    this.apiId = options.apiId ?? randomBytes(5).toString('hex')
    this.stage = options.stage ?? 'live'
  }

  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0 } = this.#options
    this.#listener = await listen(
      (request, response) => void this.#manage(request, response),
      host,
      port,
      (request, socket, head) => void this.#upgrade(request, socket, head),
    )
  }

  get managementEndpoint(): string {
    return `${this.#listener?.url}/${this.stage}`
  }

  get endpoint(): string {
    return this.managementEndpoint.replace(/^http/, 'ws')
  }

  connections(): OpenConnection[] {
    return [...this.#members.values()].map(({ connection: { facts }, query }) => ({
      connectionId: facts.connectionId,
      connectedAt: facts.connectedAt,
      query,
    }))
  }

  cut({ connectionId, silently = false, unreported = false }: CutOptions = {}): void {
    for (const [id, { connection }] of [...this.#members]) {
      if (connectionId !== undefined && connectionId !== id) continue
      if (unreported) this.#unreported.add(id)
      connection.cut({ silently })
    }
  }

  on<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this {
    this.#events.on(event, listener)
    return this
  }

  once<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this {
    this.#events.once(event, listener)
    return this
  }

  off<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this {
    this.#events.off(event, listener)
    return this
  }

  stats(): WebSocketApiStats {
    return {
      connections: this.#members.size,
      messages: { ...this.#messages },
      invocations: { ...this.#invocations },
      posts: this.#posts,
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    for (const { connection } of [...this.#members.values()]) connection.cut()
    for (const socket of this.#sockets) socket.destroy()
    await this.#listener?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const verdict = decideConnect(request, {
      apiId: this.apiId,
      stage: this.stage,
      urlCharacters: this.#limits.urlCharacters,
      authorizer: this.#authorizer,
      takeConnect: () => this.#connects.take(this.#clock.now()) && this.#takeRequest(),
    })
    if ('refusal' in verdict) return this.#refuse(socket, verdict.refusal)
    const { apiId, stage } = this
    const { accountId = ACCOUNT_ID } = this.#options
    const now = this.#clock.now()
    const facts = connectionFacts(request, { apiId, stage, accountId, now, caller: verdict.caller })
    const event = connectEvent(facts, request, now)
    const outcome = await this.#ask('$connect', event)
    if (this.#closed.signal.aborted) return
    const refusal = connectRefusal(outcome)
    if (refusal !== undefined) return this.#refuse(socket, refusal)
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new GatewayConnection(webSocket, socket, {
        facts,
        limits: this.#limits,
        clock: this.#clock,
        onMessage: (text) => void this.#receive(connection, text),
        onEnd: (ending) => this.#end(facts, ending),
      })
      const query = event.queryStringParameters ?? {}
      this.#members.set(facts.connectionId, { connection, query })
      this.#emit('connect', { connectionId: facts.connectionId, query })
    })
  }

  #refuse(socket: Duplex, refusal: UpgradeRefusal): void {
    refuseUpgrade(socket, refusal, this.#clock.now())
    this.#emit('refuse', { status: refusal.status, detail: refusal.message })
  }

  async #receive(connection: GatewayConnection, text: string): Promise<void> {
    const { facts } = connection
    const { connectionId } = facts
    const routeKey = selectRoute(this.#options.routes, text)
    this.#emit('message', { connectionId, routeKey, bytes: Buffer.byteLength(text) })
    const event = messageEvent(facts, routeKey ?? '$default', text, this.#clock.now())
    const complain = (message: string) => {
      const { requestId } = event.requestContext
      if (!this.#members.has(connectionId)) return
      connection.send(Buffer.from(JSON.stringify({ message, connectionId, requestId })))
    }
    if (!this.#takeRequest()) return complain('Too Many Requests')
    if (routeKey === undefined) return complain('Forbidden')
    count(this.#messages, routeKey)
    const outcome = await this.#ask(routeKey, event)
    // What a function answers reaches nobody: the routes have no route response.
    if (outcome.kind === 'failure') complain('Internal server error')
    if (outcome.kind === 'timeout') complain('Endpoint request timed out')
  }

  #end(facts: ConnectionFacts, ending: WebSocketEnding): void {
    const { connectionId } = facts
    this.#members.delete(connectionId)
    this.#emit('disconnect', { connectionId, ...ending })
    if (this.#unreported.delete(connectionId) || this.#closed.signal.aborted) return
    void this.#ask('$disconnect', disconnectEvent(facts, ending, this.#clock.now()))
  }

  /** Asks what is behind a route; a route that is not there takes everything. */
  async #ask(routeKey: string, event: WebSocketEvent): Promise<IntegrationOutcome> {
    const integration = this.#options.routes[routeKey] ?? 'mock'
    if (integration !== 'mock') count(this.#invocations, routeKey)
    const outcome = await callIntegration(integration, event, {
      clock: this.#clock,
      timeoutMs: this.#limits.integrationTimeoutMs,
      closed: this.#closed.signal,
    })
    const { connectionId } = event.requestContext
    if (integration !== 'mock') this.#emit('invocation', { connectionId, routeKey, outcome })
    return outcome
  }

  async #manage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await manageConnection(request, {
      apiId: this.apiId,
      stage: this.stage,
      limits: this.#limits,
      authorizer: this.#authorizer,
      takeRequest: () => this.#takeRequest(),
      find: (connectionId) => this.#members.get(connectionId)?.connection,
      onPost: (post) => {
        if (post.status === 200) this.#posts += 1
        this.#emit('post', post)
      },
    })
    sendAnswer(response, answer, this.#clock.now())
  }

  #takeRequest(): boolean {
    return this.#requests.take(this.#clock.now())
  }

  #emit<E extends keyof WebSocketApiEvents>(event: E, ...args: Parameters<WebSocketApiEvents[E]>): void {
    try {
      this.#events.emit(event, ...args)
    } catch (error) {
      process.emitWarning(`A listener of '${event}' threw: ${String(error)}`, 'LambdaTether')
    }
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
