import type { Endpoint } from '../core/contracts/transport.js'
import type { SessionKeys } from '../core/wire/root-key.js'
import type { Account } from '../deploy/live/account.js'
import type { FunctionDetails } from '../deploy/live/function.js'
import type { StubBundleName } from '../stub/bundle.js'

/** A function, and the session that its stub must match. */
export interface FunctionToCheck {
  readonly functionName: string
  readonly functionId: string
  readonly keys: SessionKeys
  readonly session: Endpoint
  /** The transport's name. */
  readonly transport: string
  /** URL of the session's side, if known. */
  readonly url: string | undefined
  /** Unix milliseconds. */
  readonly now: number
}

/** A function that was found, with everything its checks need. */
export interface FoundFunction extends FunctionToCheck {
  readonly account: Account
  readonly found: FunctionDetails
  /** The bundle for the session's transport; undefined for memory, and for a custom transport. */
  readonly bundle: StubBundleName | undefined
}
