/** One connection of the Chrome DevTools Protocol to a thread or a process. */
export interface DebugLink {
  /** Sends one message, as JSON; what comes after the end is dropped. */
  send(message: string): void
  /** Ends it, so that code which only this link had paused runs on. */
  close(): void
}

export interface DebugListener {
  /** One message, as JSON. */
  onMessage(message: string): void
  /** The other side ended. Not called after `close()`. */
  onClose(): void
}

/** The code of one worker, as a debugger reaches it. */
export interface DebugTarget {
  /** Random: who does not know it cannot attach. */
  readonly id: string
  /** What a debugger shows its user. */
  readonly title: string
  /** Whether one that wants to attach now can. */
  readonly reachable: boolean
  /** Whether a debugger may be attached; where none is, nothing is paused. */
  readonly attached: boolean
  /** Connects beside whoever else is connected. Rejects when the code is gone or cannot be debugged. */
  connect(listener: DebugListener): Promise<DebugLink>
}
