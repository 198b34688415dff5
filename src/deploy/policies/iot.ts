import { oneOf } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption, required } from '../../core/base/options.js'
import { checkName, checkPart } from '../../core/contracts/transport.js'
import { checkTeam } from '../../core/sharing/take.js'
import { clientIdPrefix, keptTopicOf, TOPIC_ROOT, topicOf, topicPart } from '../../transports/mqtt/topics.js'
import { type ArnPlace, arnPrefix, placeChecks } from './arn-place.js'

/** Whom {@link iotPolicy} is for, and where. */
export interface IotPolicyOptions extends ArnPlace {
  /** As the session and the stubs have them: the policy holds for this application and stage only. */
  readonly app: string
  readonly stage: string
  /** `session` for the developer's own identity, `stub` for the function's role. */
  readonly role: 'session' | 'stub'
  /** The session's name. @default 'default', and for stubs of a `team` none beside it */
  readonly session?: string | undefined
  /**
   * The names that share the stage. A stub sends to each of them and reads whether it is there; a session reads the presence of the
   * others, and its own name alone is its own to be: so IAM decides who may be whom.
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
 * Whatever `app`, `stage`, `session` and `team` contain, they never act as wildcards: other than plain names travel as hashes.
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
  // Sessions of one name tell each other, on its first lane, who holds it.
  const toPeers = `topic/${topicOf({ app, stage, role: 'session', name: session, lane: 0 })}`
  const toStubs = `topic/${topics}/stub/*`
  // IAM takes the `+` of a filter for the letter it is; a session subscribes to that, or to some of its lanes.
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
  // The first has the name that it had before there were teams.
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
