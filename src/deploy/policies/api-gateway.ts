import { checkFlag, matching } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { API_STAGE } from '../template/api.js'
import { type ArnPlace, arnPrefix, placeChecks } from './arn-place.js'
import type { IamPolicy } from './iot.js'

/** Which API {@link apiGatewayPolicy} opens. */
export interface ApiGatewayPolicyOptions extends ArnPlace {
  /** The debug stack's output `ApiId`: ten letters and digits. */
  readonly apiId: string
  /** The API's own stage: the last part of the stack's output `Endpoint`. @default 'tether' */
  readonly apiStage?: string | undefined
  /**
   * Whether its holder may post to connections directly. Without that right everything goes through the relay: each
   * frame is an invocation of it, and takes longer.
   * @default true
   */
  readonly post?: boolean | undefined
}

/**
 * The least that one side of a session needs of the debug stack's API, as an identity-based IAM policy. It is the same for
 * the developer's identity and the function's role: both connect, and both post to the other's connection.
 *
 * IAM does not see as whom a client connects, and cannot narrow down to whom it posts: who holds this policy may take
 * part in whatever uses the API. So give each stage a debug stack of its own; frames are sealed besides.
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
              // AWS documents it without the connection's id, and asks for it with one.
              Resource: `${api}/POST/@connections*`,
            } as const,
          ]
        : []),
    ],
  }
}
