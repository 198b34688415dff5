import { partitionOf } from '../../aws/endpoints.js'
import { type AuthorizedRequest, verifyAuthorization } from '../../aws/verify-headers.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import type { LocalIdentity } from '../iot/broker-options.js'
import { compilePolicy, type PolicyCheck } from '../iot/policy-check.js'

/** The IAM actions of a WebSocket API. */
export type ExecuteApiAction = 'execute-api:Invoke' | 'execute-api:ManageConnections'

/** The signer of a request. */
export type ApiCaller = Omit<LocalIdentity, 'policy'> & { readonly check?: PolicyCheck<ExecuteApiAction> }

/** The reason for refusing a request: AWS's name and text of the error. */
export interface Denial {
  readonly type: string
  readonly message: string
}

/** The credentials of one API, with their scope. */
export interface AuthorizerOptions {
  readonly region: string
  readonly accountId: string
  /** Absent if no signature is required. */
  readonly identities: readonly LocalIdentity[] | undefined
  readonly clock: Clock
}

/**
 * AWS_IAM authorization: Signature Version 4 in the headers, and the signer's policy. API Gateway requires it for
 * `$connect` and for the management API. It does not authorize messages, even if a policy covers their routes
 * (https://github.com/awsdocs/amazon-api-gateway-developer-guide/issues/121).
 */
export class ApiGatewayAuthorizer {
  readonly #options: AuthorizerOptions
  readonly #callers: readonly ApiCaller[] | undefined

  /** @throws TetherError `INVALID_OPTION` for a policy that is only partly understood */
  constructor(options: AuthorizerOptions) {
    this.#options = options
    const { region, accountId } = options
    this.#callers = options.identities?.map(({ policy, ...identity }) =>
      policy === undefined
        ? identity
        : { ...identity, check: compilePolicy<ExecuteApiAction>(policy, region, accountId, 'execute-api') },
    )
  }

  /**
   * Returns the caller, if signatures are required, or the reason for refusing the request.
   * @param resource the part of the ARN after the account
   */
  authorize(
    request: AuthorizedRequest,
    action: ExecuteApiAction,
    resource: string,
  ): { readonly caller?: ApiCaller } | { readonly denial: Denial } {
    if (this.#callers === undefined) return {}
    const { region, accountId, clock } = this.#options
    // Functions run in separate processes and sign by the machine's clock, even if a clock is injected.
    const times = [clock.now(), systemClock.now()]
    const scope = { region, service: 'execute-api', identities: this.#callers, times }
    const verified = verifyAuthorization(request, scope)
    if ('fault' in verified) return { denial: verified.fault }
    const caller = verified.identity
    if (caller.check === undefined || caller.check(action, resource)) return { caller }
    const arn = `arn:${partitionOf(region)}:execute-api:${region}:${accountId}:${resource}`
    const message = `User: ${caller.accessKeyId} is not authorized to perform: ${action} on resource: ${arn}`
    return { denial: { type: 'AccessDeniedException', message } }
  }
}
