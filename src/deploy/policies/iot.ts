import { oneOf } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { checkName, checkPart } from '../../core/contracts/transport.js'
import { clientIdPrefix, keptTopicOf, TOPIC_ROOT, topicOf, topicPart } from '../../transports/mqtt/topics.js'
import { type ArnPlace, arnPrefix, placeChecks } from './arn-place.js'

/** Whom {@link iotPolicy} is for, and where. */
export interface IotPolicyOptions extends ArnPlace {
  /** As the session and the stubs have them: the policy holds for this application and stage only. */
  readonly app: string
  readonly stage: string
  /** `session` for the developer's own identity, `stub` for the function's role. */
  readonly role: 'session' | 'stub'
  /** The session's name. @default 'default' */
  readonly session?: string | undefined
}

/** One statement of an {@link IamPolicy}. */
export interface IamStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: string
  readonly Resource: string
}

/** An IAM policy document: what `JSON.stringify` makes of it is what IAM takes. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

/**
 * The least that one side of a session needs on AWS IoT Core, as an identity-based IAM policy.
 *
 * - `session` connects, receives what is sent to this session, and sends to this stage's stubs and to sessions of its own
 *   name, which settle with each other who holds it. It keeps a retained message that says whether it is there, and
 *   reads it. It also looks up the account's IoT endpoint, which AWS does not let a policy narrow down.
 * - `stub` connects, receives what is sent to this stage's stubs, sends to this session, and reads whether that is there.
 *   Which execution environment it is, it finds out at run time, so a policy cannot keep it from another's topic; frames
 *   are sealed.
 *
 * Whatever `app`, `stage` and `session` contain, they never act as wildcards: other than plain names travel as hashes.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function iotPolicy(options: IotPolicyOptions): IamPolicy {
  const {
    app,
    stage,
    role,
    session = 'default',
  } = checkOptions('iotPolicy', options, {
    app: required(checkPart),
    stage: required(checkPart),
    role: required(oneOf('session', 'stub')),
    session: checkName,
    ...placeChecks,
  })
  const topics = `${TOPIC_ROOT}/${topicPart(app)}/${topicPart(stage)}`
  const toSession = `topic/${topics}/session/${topicPart(session)}/*`
  // Sessions of one name tell each other, on its first lane, who holds it.
  const toPeers = `topic/${topicOf({ app, stage, role: 'session', name: session, lane: 0 })}`
  const toStubs = `topic/${topics}/stub/*`
  // IAM takes the `+` of a filter for the letter it is; a session subscribes to that, or to some of its lanes.
  const filters = `${topics}/${role === 'session' ? `session/${topicPart(session)}` : 'stub'}/*`
  const presence = keptTopicOf({ app, stage, name: session })

  const prefix = arnPrefix('iot', options)
  const allow = (action: string, resource: string, sid = action): IamStatement => ({
    Sid: `LambdaTether${sid}`,
    Effect: 'Allow',
    Action: `iot:${action}`,
    Resource: resource,
  })
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Connect', `${prefix}client/${clientIdPrefix({ app, stage, role })}*`),
      allow('Subscribe', `${prefix}topicfilter/${filters}`),
      allow('Receive', prefix + (role === 'session' ? toSession : toStubs)),
      allow('Publish', prefix + (role === 'session' ? toStubs : toSession)),
      allow('Subscribe', `${prefix}topicfilter/${presence}`, 'SubscribePresence'),
      allow('Receive', `${prefix}topic/${presence}`, 'ReceivePresence'),
      ...(role === 'session'
        ? [
            allow('Publish', `${prefix}topic/${presence}`, 'PublishPresence'),
            allow('RetainPublish', `${prefix}topic/${presence}`),
            allow('Publish', prefix + toPeers, 'Claim'),
            allow('DescribeEndpoint', '*'),
          ]
        : []),
    ],
  }
}
