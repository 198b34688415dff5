// Two sessions and the functions' own code share a stage while frames are lost, doubled and reordered, connections
// break, sessions are killed and others take their names, and cards change. Compares the outcome of each invocation
// with the cards.
import { setTimeout as sleep } from 'node:timers/promises'
import { severable } from '../chaos/severable.js'
import { seededRandom } from '../seeded/random.js'

const TEAM = ['alice', 'bob']
const STAGE = { app: 'shared', stage: 'bench' }
const TIME_OUT_MS = 20_000
/** The longest time until a changed card takes effect. */
const HEARD_MS = 3_000
const KINDS = ['card', 'kill', 'cut', 'card', 'cut session']
const INVOCATIONS_PER_FAULT = 40

/**
 * @param parts of the package: `{ createSession, createStub, stubKey, faulty, TetherError }`
 * @param transports of both sides: `{ session, stub, key }`
 * @returns the report; `broken` is empty if every promise was kept
 */
export async function sharingSoak(parts, transports, { count, seed, stubs = 24, ackTimeoutMs = 1_500 }) {
  const { createSession, createStub, stubKey, faulty, TetherError } = parts
  const { key } = transports
  const random = seededRandom(seed)
  const faults = { drop: 0.04, duplicate: 0.05, reorder: 0.05 }
  const near = (name) => faulty(transports.session, { seed: `${seed} ${name}`, ...faults })
  const far = severable(faulty(transports.stub, { seed: `${seed} stub`, ...faults }), TetherError)
  const runs = []
  const cards = TEAM.map(() => [])
  const members = []

  const takes = (at) => ({ event: { of: [TEAM[at], 'both'] } })
  const note = (at, take) => cards[at].push({ at: Date.now(), take })
  async function open(at, take) {
    const name = TEAM[at]
    const line = severable(near(`${name} ${runs.length}`), TetherError)
    const session = createSession({ ...STAGE, key, name, team: TEAM, take, transport: line.transport })
    session.on('invoke', async (invocation) => {
      const { id, context, rerun, functionId } = invocation
      if (functionId === 'declined') return
      invocation.ack()
      runs.push({ of: context.awsRequestId, id, name, session, rerun })
      if (random() < 0.2) await sleep(random() * 30)
      // Its stub may have given up.
      await invocation.respond(`${name} ${context.awsRequestId}`).catch(() => {})
    })
    session.serve({ functions: { nothing: async () => {} } })
    note(at, take)
    await session.open()
    members[at] = { line, session }
  }
  await Promise.all(TEAM.map((_, at) => open(at, takes(at))))

  const outcomes = []
  const cloud = []
  let next = 0
  let settled = 0
  const environments = Array.from({ length: stubs }, (_, index) => {
    const functionId = index % 8 === 0 ? 'declined' : 'api'
    return createStub({
      ...STAGE,
      key: stubKey({ ...STAGE, key, functionId }),
      functionId,
      team: TEAM,
      transport: far.transport,
      env: {},
      // Less than in the product: a soak with its value would last for hours.
      ackTimeoutMs,
      passthrough: async (_event, { awsRequestId }) => {
        cloud.push(awsRequestId)
        return `cloud ${awsRequestId}`
      },
    })
  })
  async function load(stub, index) {
    while (next < count) {
      const awsRequestId = `r${next++}`
      const of = ['alice', 'bob', 'both', 'nobody'][Math.floor(random() * 4)]
      const startedAt = Date.now()
      const context = {
        ...contextOf(awsRequestId),
        getRemainingTimeInMillis: () => TIME_OUT_MS - (Date.now() - startedAt),
      }
      const outcome = { of: awsRequestId, event: of, declined: index % 8 === 0, startedAt }
      try {
        outcome.answer = await stub({ of }, context)
      } catch (error) {
        outcome.failed = error.name
      }
      outcomes.push({ ...outcome, ms: Date.now() - startedAt })
      settled++
    }
  }
  const done = Promise.all(environments.map(load))

  const inflicted = {}
  const total = Math.max(KINDS.length, Math.round(count / INVOCATIONS_PER_FAULT))
  for (let nth = 1; nth <= total; nth++) {
    while (settled < (count * nth) / (total + 1) && next < count) await sleep(2)
    const kind = KINDS[nth % KINDS.length]
    const at = Math.floor(random() * TEAM.length)
    inflicted[kind] = (inflicted[kind] ?? 0) + 1
    const { line, session } = members[at]
    const take = takes(random() < 0.7 ? at : 1 - at)
    if (kind === 'card') {
      note(at, take)
      session.setTake(take)
    } else if (kind === 'cut') far.cut(() => random() < 0.3)
    else if (kind === 'cut session') line.cut()
    else {
      line.sever()
      void session.close({ signal: AbortSignal.abort() })
      await sleep(random() * 200)
      await open(at, take)
    }
  }
  await done
  await Promise.all(environments.map((stub) => stub.close()))
  await Promise.all(members.map(({ session }) => session.close({ signal: AbortSignal.timeout(500) })))
  return report({ outcomes, runs, cloud, cards, count, inflicted, ackTimeoutMs })
}

/** The outcomes of all invocations, and the broken promises. */
function report({ outcomes, runs, cloud, cards, count, inflicted, ackTimeoutMs }) {
  const broken = []
  const went = { alice: 0, bob: 0, cloud: 0 }
  let rerun = 0
  let both = 0
  let failed = 0
  const ranOf = grouped(runs, ({ of }) => of)
  const cloudOf = grouped(cloud, (of) => of)
  const wrong = (of, text) => broken.push(`${of} ${text}`)
  for (const { of, event, declined, answer, failed: failure, startedAt, ms } of outcomes) {
    const ran = ranOf.get(of) ?? []
    const inCloud = cloudOf.get(of)?.length ?? 0
    const names = new Set(ran.map(({ name }) => name))
    if (names.size > 1) wrong(of, `ran under ${[...names].join(' and ')}`)
    if (new Set(ran.map(({ session }) => session)).size < ran.length) wrong(of, 'ran twice in one session')
    if (ran.length > 1) {
      rerun++
      if (!ran.slice(1).every((one) => one.rerun)) wrong(of, 'ran again and was not marked')
    }
    if (inCloud > 1) wrong(of, 'ran twice in the cloud')
    if (inCloud > 0 && ran.length > 0) {
      both++
      if (ms < ackTimeoutMs) wrong(of, `ran in the cloud after ${ms} ms and under ${[...names][0]}`)
    }
    if (failure !== undefined) {
      failed++
      if (!/^LambdaTether\.(SESSION_LOST|DEADLINE)$/.test(failure)) wrong(of, `failed with ${failure}`)
      continue
    }
    const [where, whose] = answer.split(' ')
    went[where]++
    if (whose !== of) wrong(of, `was answered with what is ${whose}'s`)
    if (declined && where !== 'cloud') wrong(of, `was declined, and ran under ${where}`)
    if (where === 'cloud') continue
    // The card that it had when the invocation was sent, or a card still on its way.
    const history = cards[TEAM.indexOf(where)]
    const said = history.filter(
      ({ at }, nth) => at <= startedAt + ms && (history[nth + 1]?.at ?? Infinity) >= startedAt - HEARD_MS,
    )
    if (!said.some(({ take }) => take.event.of.includes(event))) wrong(of, `went to ${where}, for ${event}`)
  }
  if (outcomes.length !== count) broken.push(`${outcomes.length} of ${count} have an outcome`)
  // After each silence, a name is passed over for ten seconds, which is a long time here.
  if (Math.min(went.alice, went.bob) === 0 || went.alice + went.bob < count / 10)
    broken.push(`the sessions got ${went.alice} and ${went.bob}`)
  return { count, ...went, failed, rerun, sessionAndCloud: both, inflicted, broken: broken.slice(0, 10) }
}

function grouped(list, keyOf) {
  const groups = new Map()
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}

const contextOf = (awsRequestId) => ({
  awsRequestId,
  functionName: 'shared',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:shared',
  memoryLimitInMB: '128',
  logGroupName: 'group',
  logStreamName: 'stream',
})
