import type { TetherError } from '../base/errors.js'
import type { AbortOptions } from '../contracts/transport.js'
import type { Sent } from '../wire/outgoing.js'
import type { InvokeMessage, Outbound } from '../wire/protocol.js'

/** What a call needs of its caller. */
export interface Wire {
  ready(signal: AbortSignal): Promise<void>
  renew(): void
  /** Drops a connection that takes nothing. */
  replace(): void
  /** Whether the broker says that a session is there. */
  online(): boolean
  /** How long a session's first word about an invocation takes, as of late. */
  latencyMs(): number
  noteLatency(ms: number): void
  /** When anything last came or went. */
  activeAt(): number
  invoke(
    head: Pick<
      Outbound<InvokeMessage>,
      'id' | 'remainingMs' | 'ageMs' | 'ackedBy' | 'event' | 'stored' | 'mirrored'
    >,
    options: AbortOptions & { withEnv: boolean },
  ): Promise<Sent>
  ask(id: string, sent: string | undefined): Promise<unknown>
  presign(id: string, bytes: number): Promise<unknown>
  /** Whether the session that was last heard has no payload store. */
  storeless(): boolean
  noteStoreless(session: string): void
  cancel(id: string, error: TetherError): Promise<unknown>
  acked(session: string): void
  explain(): string
  connected(): boolean
  lastError(): TetherError | undefined
}
