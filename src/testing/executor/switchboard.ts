import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import type { Patience } from '../suite.js'
import type { Command } from './behaviour.js'

/** One connection of a function that obeys, or of a process that it started. Ends with it, however it ends. */
export class Line {
  /** Resolves when the other end is gone. */
  readonly #ended: Promise<void>
  readonly #socket: Socket
  readonly #patience: Patience
  #open = true

  constructor(socket: Socket, patience: Patience) {
    this.#socket = socket
    this.#patience = patience
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

  tell(command: Command): void {
    this.#socket.write(`${command}\n`)
  }

  /** Waits until the other end is gone. */
  async ends(what: string): Promise<void> {
    await this.#patience.within(what, this.#ended)
  }

  hangUp(): void {
    this.#socket.destroy()
  }
}

/** Where functions that obey report: the suite learns there that they run, tells them what to do, and sees them end. */
export class Switchboard {
  readonly #server: Server
  readonly #patience: Patience
  readonly #lines: Line[] = []
  readonly #waiting: ((line: Line) => void)[] = []
  #taken = 0

  private constructor(server: Server, patience: Patience) {
    this.#server = server
    this.#patience = patience
    server.on('connection', (socket) => this.#accept(socket))
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

  /** How many have connected so far. */
  get connections(): number {
    return this.#lines.length
  }

  /** The next connection, in the order in which they come. */
  async next(what = 'The function did not run'): Promise<Line> {
    const line = this.#lines[this.#taken]
    this.#taken += 1
    if (line !== undefined) return line
    return this.#patience.within(what, new Promise<Line>((resolve) => this.#waiting.push(resolve)))
  }

  async close(): Promise<void> {
    for (const line of this.#lines) line.hangUp()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const line = new Line(socket, this.#patience)
    this.#lines.push(line)
    this.#waiting.shift()?.(line)
  }
}
