import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { EventEmitter } from 'eventemitter3'
import { WebSocketServer } from 'ws'
import { type HttpListener, listen } from '../../network/listener.js'
import { RateWindow } from '../iot/rate.js'
import { ApiGatewayAuthorizer } from './authorizer.js'
import { GatewayConnection } from './connection.js'
import {
  type ConnectionFacts,
  connectEvent,
  connectionFacts,
  disconnectEvent,
  messageEvent,
  type WebSocketEnding,
  type WebSocketEvent,
} from './event.js'
import type { WebSocketApiEvents, WebSocketApiStats } from './events.js'
import { callIntegration, type IntegrationOutcome, selectRoute } from './integration.js'
import { manageConnection, sendAnswer } from './management.js'
import { connectRefusal, decideConnect, refuseApiUpgrade, type UpgradeRefusal } from './upgrade.js'
import {
  type CutOptions,
  type OpenConnection,
  type WebSocketApi,
  type WebSocketApiOptions,
  type WebSocketApiSettings,
  webSocketApiSettings,
} from './web-socket-api-options.js'

/** Starts an API. @throws TetherError `INVALID_OPTION` by name, `UNREACHABLE` when the port is taken */
export async function startWebSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const api = new LocalWebSocketApi(webSocketApiSettings(options))
  await api.listen()
  return api
}

interface Member {
  readonly connection: GatewayConnection
  readonly query: Readonly<Record<string, string>>
}

class LocalWebSocketApi implements WebSocketApi {
  readonly #settings: WebSocketApiSettings
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
  // Ids of connections to end without `$disconnect`.
  readonly #unreported = new Set<string>()
  readonly #events = new EventEmitter()
  readonly #closed = new AbortController()
  readonly #messages: Record<string, number> = {}
  readonly #invocations: Record<string, number> = {}
  #posts = 0
  #listener: HttpListener | undefined

  constructor(settings: WebSocketApiSettings) {
    this.#settings = settings
    this.#authorizer = new ApiGatewayAuthorizer(settings)
    this.#requests = new RateWindow(settings.limits.requestsPerSecond)
    this.#connects = new RateWindow(settings.limits.connectsPerSecond)
  }

  get apiId(): string {
    return this.#settings.apiId
  }

  get stage(): string {
    return this.#settings.stage
  }

  async listen(): Promise<void> {
    const { host, port } = this.#settings
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
    const { apiId, stage, accountId, region, clock, limits } = this.#settings
    const verdict = decideConnect(request, {
      apiId,
      stage,
      urlCharacters: limits.urlCharacters,
      authorizer: this.#authorizer,
      takeConnect: () => this.#connects.take(clock.now()) && this.#takeRequest(),
    })
    if ('refusal' in verdict) return this.#refuse(socket, verdict.refusal)
    const now = clock.now()
    const facts = connectionFacts(request, { apiId, stage, accountId, region, now, caller: verdict.caller })
    const event = connectEvent(facts, request, now)
    const outcome = await this.#ask('$connect', event)
    if (this.#closed.signal.aborted) return
    const refusal = connectRefusal(outcome)
    if (refusal !== undefined) return this.#refuse(socket, refusal)
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new GatewayConnection(webSocket, socket, {
        facts,
        limits,
        clock,
        onMessage: (text) => void this.#receive(connection, text),
        onEnd: (ending) => this.#end(facts, ending),
      })
      const query = event.queryStringParameters ?? {}
      this.#members.set(facts.connectionId, { connection, query })
      this.#emit('connect', { connectionId: facts.connectionId, query })
    })
  }

  #refuse(socket: Duplex, refusal: UpgradeRefusal): void {
    refuseApiUpgrade(socket, refusal, this.#settings.clock.now())
    this.#emit('refuse', { status: refusal.status, detail: refusal.message })
  }

  async #receive(connection: GatewayConnection, text: string): Promise<void> {
    const { facts } = connection
    const { connectionId } = facts
    const routeKey = selectRoute(this.#settings.routes, text)
    this.#emit('message', { connectionId, routeKey, bytes: Buffer.byteLength(text) })
    const event = messageEvent(facts, routeKey ?? '$default', text, this.#settings.clock.now())
    const complain = (message: string) => {
      const { requestId } = event.requestContext
      if (!this.#members.has(connectionId)) return
      connection.send(Buffer.from(JSON.stringify({ message, connectionId, requestId })))
    }
    if (!this.#takeRequest()) return complain('Too Many Requests')
    if (routeKey === undefined) return complain('Forbidden')
    count(this.#messages, routeKey)
    const outcome = await this.#ask(routeKey, event)
    // A function's answer is discarded: the routes have no route response.
    if (outcome.kind === 'failure') complain('Internal server error')
    if (outcome.kind === 'timeout') complain('Endpoint request timed out')
  }

  #end(facts: ConnectionFacts, ending: WebSocketEnding): void {
    const { connectionId } = facts
    this.#members.delete(connectionId)
    this.#emit('disconnect', { connectionId, ...ending })
    if (this.#unreported.delete(connectionId) || this.#closed.signal.aborted) return
    void this.#ask('$disconnect', disconnectEvent(facts, ending, this.#settings.clock.now()))
  }

  /** Invokes a route's target; a missing route accepts everything. */
  async #ask(routeKey: string, event: WebSocketEvent): Promise<IntegrationOutcome> {
    const integration = this.#settings.routes[routeKey] ?? 'mock'
    if (integration !== 'mock') count(this.#invocations, routeKey)
    const outcome = await callIntegration(integration, event, {
      clock: this.#settings.clock,
      timeoutMs: this.#settings.limits.integrationTimeoutMs,
      closed: this.#closed.signal,
    })
    const { connectionId } = event.requestContext
    if (integration !== 'mock') this.#emit('invocation', { connectionId, routeKey, outcome })
    return outcome
  }

  async #manage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await manageConnection(request, {
      ...this.#settings,
      authorizer: this.#authorizer,
      takeRequest: () => this.#takeRequest(),
      find: (connectionId) => this.#members.get(connectionId)?.connection,
      onPost: (post) => {
        if (post.status === 200) this.#posts += 1
        this.#emit('post', post)
      },
    })
    sendAnswer(response, answer, this.#settings.clock.now())
  }

  #takeRequest(): boolean {
    return this.#requests.take(this.#settings.clock.now())
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
