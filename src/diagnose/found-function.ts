import type { Endpoint } from '../core/contracts/transport.js'
import type { SessionKeys } from '../core/wire/root-key.js'
import type { Account } from '../deploy/live/account.js'
import type { FunctionDetails } from '../deploy/live/function.js'
import type { StubBundleName } from '../stub/bundle.js'

/** A function, and what its stub has to fit. */
export interface FunctionToCheck {
  readonly functionName: string
  readonly functionId: string
  readonly keys: SessionKeys
  readonly session: Endpoint
  /** The transport's name. */
  readonly transport: string
  /** Where the session's side connects, if that was found. */
  readonly url: string | undefined
  /** Unix milliseconds. */
  readonly now: number
}

/** What the checks of a function go by. */
export interface FoundFunction extends FunctionToCheck {
  readonly account: Account
  readonly found: FunctionDetails
  /** The bundle that fits the session's transport; undefined for memory, and for a transport of the caller's. */
  readonly bundle: StubBundleName | undefined
}
