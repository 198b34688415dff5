import { oneOf } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption, required } from '../../core/base/options.js'
import { checkName, checkPart } from '../../core/contracts/transport.js'
import { checkTeam } from '../../core/sharing/take.js'
import { clientIdPrefix, keptTopicOf, TOPIC_ROOT, topicOf, topicPart } from '../../transports/mqtt/topics.js'
import { type ArnPlace, arnPrefix, placeChecks } from './arn-place.js'

/** The identity that {@link iotPolicy} is for, and the scope of the policy. */
export interface IotPolicyOptions extends ArnPlace {
  /** Must match the session and the stubs: the policy is limited to this application and stage. */
  readonly app: string
  readonly stage: string
  /** `session` for the developer's own identity, `stub` for the function's role. */
  readonly role: 'session' | 'stub'
  /** The session's name. @default 'default'; for stubs of a `team`, no name besides the team's */
  readonly session?: string | undefined
  /**
   * The names that share the stage. A stub sends to each of them and reads its presence. A session reads the presence
   * of the others, but may only act under its own name: so IAM enforces the names.
   * @default none
   */
  readonly team?: readonly string[] | undefined
}

/** One statement of an {@link IamPolicy}. */
export interface IamStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: string
  readonly Resource: string
}

/** An IAM policy document. Its JSON is the form that IAM takes. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

/**
 * Returns the least rights that one side of a session needs on AWS IoT Core, as an identity-based IAM policy.
 *
 * - `session` connects, receives messages to this session, and sends to this stage's stubs and to sessions of its own
 *   name, to agree on the holder of the name. It publishes a retained presence message, and reads it. It also looks up
 *   the account's IoT endpoint, a right that AWS does not allow to be limited.
 * - `stub` connects, receives messages to this stage's stubs, sends to this session, and reads its presence. A stub's
 *   execution environment is only known at run time, so the policy cannot keep it from another environment's topic;
 *   frames are sealed.
 *
 * `app`, `stage`, `session` and `team` never act as wildcards: anything other than a plain name is hashed.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function iotPolicy(options: IotPolicyOptions): IamPolicy {
  const {
    app,
    stage,
    role,
    team,
    session = team?.[0] ?? 'default',
  } = checkOptions('iotPolicy', options, {
    app: required(checkPart),
    stage: required(checkPart),
    role: required(oneOf('session', 'stub')),
    session: checkName,
    team: checkTeam,
    ...placeChecks,
  })
  const topics = `${TOPIC_ROOT}/${topicPart(app)}/${topicPart(stage)}`
  if (team !== undefined && !team.includes(session))
    throw invalidOption('team', `must have this session's own name, '${session}', among its names`)
  // Sessions of the same name agree on the holder over its first lane.
  const toPeers = `topic/${topicOf({ app, stage, role: 'session', name: session, lane: 0 })}`
  const toStubs = `topic/${topics}/stub/*`
  // IAM treats the `+` of a filter as a literal. A session subscribes to this filter, or to some of its lanes.
  const filters = `${topics}/${role === 'session' ? `session/${topicPart(session)}` : 'stub'}/*`
  const presence = keptTopicOf({ app, stage, name: session })
  const heard = [session, ...(team ?? []).filter((name) => name !== session)]

  const prefix = arnPrefix('iot', options)
  const allow = (action: string, resource: string, sid = action): IamStatement => ({
    Sid: `LambdaTether${sid}`,
    Effect: 'Allow',
    Action: `iot:${action}`,
    Resource: resource,
  })
  // The first name keeps the Sid that it had before teams existed.
  const each = (of: (name: string, nth: string) => IamStatement) =>
    heard.map((name, at) => of(name, at === 0 ? '' : String(at + 1)))
  const toSession = (name: string) => `topic/${topics}/session/${topicPart(name)}/*`
  const presenceOf = (name: string) => keptTopicOf({ app, stage, name })
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Connect', `${prefix}client/${clientIdPrefix({ app, stage, role })}*`),
      allow('Subscribe', `${prefix}topicfilter/${filters}`),
      allow('Receive', prefix + (role === 'session' ? toSession(session) : toStubs)),
      ...(role === 'session'
        ? [allow('Publish', prefix + toStubs)]
        : each((name, nth) => allow('Publish', prefix + toSession(name), `Publish${nth}`))),
      ...each((name, nth) =>
        allow('Subscribe', `${prefix}topicfilter/${presenceOf(name)}`, `SubscribePresence${nth}`),
      ),
      ...each((name, nth) => allow('Receive', `${prefix}topic/${presenceOf(name)}`, `ReceivePresence${nth}`)),
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
