import type { AccountUnderTest } from '../account.js'
import type { AccountClients } from '../clients.js'
import type { Report } from '../report.js'
import type { StackUnderTest } from '../settings.js'

/** What every suite works on. */
export interface Subject {
  readonly account: AccountUnderTest
  readonly clients: AccountClients
  readonly run: string
  readonly report: Report
  /** The folder of the report. */
  readonly folder: string
  /** The session's key. */
  readonly key: string
  readonly stack: StackUnderTest | undefined
  /** How long a test may take, in milliseconds: on AWS a policy takes minutes to hold. */
  readonly timeoutMs: number
}
