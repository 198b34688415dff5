import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Patience } from '../suite.js'
import type { Command } from './behaviour.js'

/** Commands that neither end nor block the test runner if the function shares its event loop. */
const HARMLESS: readonly Command[] = ['answer', 'stay', 'start']

/**
 * One connection of a function that obeys, or of a process that it started. Ends with the function or process, for any
 * reason.
 */
export class Line {
  /** Whether the function runs on the suite's own event loop. */
  readonly shared: boolean
  /** Resolves when the other end is gone. */
  readonly #ended: Promise<void>
  readonly #socket: Socket
  readonly #patience: Patience
  #open = true

  constructor(socket: Socket, patience: Patience, shared: boolean) {
    this.#socket = socket
    this.#patience = patience
    this.shared = shared
    // A killed process resets its connections.
    socket.on('error', () => {})
    this.#ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#open = false
        resolve()
      })
    })
    socket.resume()
  }

  get open(): boolean {
    return this.#open
  }

  /** Fails the test if the command would end or block the test runner. */
  tell(command: Command): void {
    if (!HARMLESS.includes(command)) this.refuseShared(`'${command}'`)
    this.#socket.write(`${command}\n`)
  }

  /**
   * Fails the test if the function shares the suite's event loop.
   * @param danger the action that would end or block it
   */
  refuseShared(danger: string): void {
    assert(
      !this.shared,
      `This executor runs functions on the event loop of the test runner, which ${danger} would end or block. ` +
        "Set `sharesEventLoop: true` on it, and name what it cannot do in `without`, such as 'exit', 'stop', 'memory', 'uncaught' and 'children'.",
    )
  }

  /** Waits until the other end is gone. */
  async ends(what: string): Promise<void> {
    await this.#patience.within(what, this.#ended)
  }

  hangUp(): void {
    this.#socket.destroy()
  }
}

/** Node publishes here each socket that the current thread connects. */
const CLIENT_SOCKET = 'net.client.socket'

/**
 * The server to which obeying functions connect: the suite sees that they run, sends them commands, and sees them end.
 */
export class Switchboard {
  readonly #server: Server
  readonly #patience: Patience
  readonly #lines: Line[] = []
  readonly #waiting: ((line: Line) => void)[] = []
  /** Sockets that this thread has connected since the start; a function on its event loop uses one of them. */
  readonly #clients: Socket[] = []
  readonly #onClient = (message: unknown) => this.#clients.push((message as { socket: Socket }).socket)
  #taken = 0

  private constructor(server: Server, patience: Patience) {
    this.#server = server
    this.#patience = patience
    server.on('connection', (socket) => this.#accept(socket))
    subscribe(CLIENT_SOCKET, this.#onClient)
  }

  static async open(patience: Patience): Promise<Switchboard> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return new Switchboard(server, patience)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Number of connections so far. */
  get connections(): number {
    return this.#lines.length
  }

  /** Returns the next connection, in the order of arrival. */
  async next(what = 'The function did not run'): Promise<Line> {
    const line = this.#lines[this.#taken]
    this.#taken += 1
    if (line !== undefined) return line
    return this.#patience.within(what, new Promise<Line>((resolve) => this.#waiting.push(resolve)))
  }

  async close(): Promise<void> {
    unsubscribe(CLIENT_SOCKET, this.#onClient)
    for (const line of this.#lines) line.hangUp()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const shared = this.#clients.some(
      ({ localPort, remotePort = this.port }) => localPort === socket.remotePort && remotePort === this.port,
    )
    const line = new Line(socket, this.#patience, shared)
    this.#lines.push(line)
    this.#waiting.shift()?.(line)
  }
}
