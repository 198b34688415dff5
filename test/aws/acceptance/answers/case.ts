import type { AccountUnderTest } from '../account.js'
import type { AccountClients } from '../clients.js'

/** What the cases of one run share. */
export interface CaseContext extends AccountClients {
  readonly account: AccountUnderTest
  /** The name of what they create: a role, a function, a layer, a bucket and topics. */
  readonly name: string
  /** Of the role that they created. */
  roleArn: string
}

/** One call whose answer is recorded; cases build on those before them. */
export interface AnswerCase {
  /** The operation, and what is special: `GetFunction`, or `GetFunction missing`. */
  readonly name: string
  /** Makes the call, which the recorder sees; other calls around it are not kept. */
  ask(context: CaseContext): Promise<unknown>
  /** The error's code on the wire. @default it succeeds */
  readonly error?: string
}
