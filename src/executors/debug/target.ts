/** A connection of the Chrome DevTools Protocol to a thread or a process. */
export interface DebugLink {
  /** Sends one message, as JSON. Messages after the end are dropped. */
  send(message: string): void
  /** Ends the link. Code that only this link has paused continues. */
  close(): void
}

export interface DebugListener {
  /** One message, as JSON. */
  onMessage(message: string): void
  /** The other side ended the link. Not called after `close()`. */
  onClose(): void
}

/** The code of one worker, as a target for debuggers. */
export interface DebugTarget {
  /** Random, so that only a client that was told the id can attach. */
  readonly id: string
  /** The title that debuggers show. */
  readonly title: string
  /** Whether a debugger can attach now. */
  readonly reachable: boolean
  /** Whether a debugger may be attached. If false, no code is paused. */
  readonly attached: boolean
  /** Connects in addition to any other connections. Rejects if the code is gone or cannot be debugged. */
  connect(listener: DebugListener): Promise<DebugLink>
}
