import { checkFlag, matching } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { API_STAGE } from '../template/api.js'
import { type ArnPlace, arnPrefix, placeChecks } from './arn-place.js'
import type { IamPolicy } from './iot.js'

/** The API that {@link apiGatewayPolicy} grants access to. */
export interface ApiGatewayPolicyOptions extends ArnPlace {
  /** The debug stack's output `ApiId`: ten letters and digits. */
  readonly apiId: string
  /** The API's own stage: the last part of the stack's output `Endpoint`. @default 'tether' */
  readonly apiStage?: string | undefined
  /**
   * Whether to allow posting to connections directly. Without this right, all frames go through the relay: each frame
   * invokes the relay, and takes longer.
   * @default true
   */
  readonly post?: boolean | undefined
}

/**
 * Returns the least rights that one side of a session needs on the debug stack's API, as an identity-based IAM policy.
 * The developer's identity and the function's role need the same: both connect, and both post to the other's
 * connection.
 *
 * IAM cannot see the name that a client connects with, nor limit the connections that it posts to: a holder of this
 * policy can take part in everything that uses the API. So give each stage a debug stack of its own. In addition,
 * frames are sealed.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function apiGatewayPolicy(options: ApiGatewayPolicyOptions): IamPolicy {
  const {
    apiId,
    apiStage = API_STAGE,
    post = true,
  } = checkOptions('apiGatewayPolicy', options, {
    apiId: required(matching(/^[a-z0-9]{1,64}$/, "an API's id, such as a1b2c3d4e5")),
    apiStage: matching(/^[A-Za-z0-9_-]{1,128}$/, '1 to 128 letters, digits, - or _'),
    post: checkFlag,
    ...placeChecks,
  })
  const api = `${arnPrefix('execute-api', options)}${apiId}/${apiStage}`
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'LambdaTetherConnect',
        Effect: 'Allow',
        Action: 'execute-api:Invoke',
        Resource: `${api}/$connect`,
      },
      ...(post
        ? [
            {
              Sid: 'LambdaTetherPost',
              Effect: 'Allow',
              Action: 'execute-api:ManageConnections',
              // AWS documents the resource without the connection's id, but checks it with the id.
              Resource: `${api}/POST/@connections*`,
            } as const,
          ]
        : []),
    ],
  }
}
