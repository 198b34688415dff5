// A session over a transport that hands it frames and keeps the stubs' frames, and an attacker that sends it more. It
// answers nothing: the measured time of a frame ends when it is dropped, or when its invocation has begun.
import { randomBytes } from 'node:crypto'
import { createSession, generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { lambdaEnvironment } from '../cost/lambda-environment.js'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'
import { memoryMb } from '../process/memory.js'

const BLOCK = 100
// Their places in the header; see docs/protocol.md.
const TAG = 6
const SENDER_ID = 14
const COUNT = 42
/** Longer than the time in which a session suspects first contacts of being recordings. */
const SETTLED_MS = 61_000

const { BENCH_FRAMES, BENCH_SENDERS } = process.env
const [frames, senders] = [Number(BENCH_FRAMES), Number(BENCH_SENDERS)]
const stage = { app: 'bench', stage: 'dev' }
let aheadMs = 0
const clock = {
  now: () => Date.now() + aheadMs,
  schedule(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
let deliver
let sent
const transport = {
  name: 'bench',
  limits: { frameBytes: 131_072 },
  connect: async ({ role }, { onFrame }) => {
    if (role === 'session') deliver = onFrame
    return {
      send(to, frame) {
        if (to.role === 'session' && role === 'stub') sent = Buffer.from(frame)
      },
      closed: new Promise(() => {}),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  },
}

const key = generateKey()
let begun = 0
const session = createSession({ ...stage, key, transport, clock }).on('invoke', (invocation) => {
  begun++
  return invocation.ack()
})
await session.open()
aheadMs = SETTLED_MS

/** The first frame of a new execution environment. */
async function firstFrame(env) {
  const handler = createStub({ ...env, transport, clock, env: lambdaEnvironment })
  sent = undefined
  const context = lambdaContext({
    functionName: 'echo',
    awsRequestId: 'hostile',
    deadline: performance.now() + 60_000,
  })
  handler({ text: 'x'.repeat(1_024) }, context).catch(() => {})
  while (sent === undefined) await new Promise(setImmediate)
  const first = sent
  // The stub sends that it gives up; that frame is not a first frame.
  await handler.close()
  return first
}
const environment = { ...stage, functionId: 'echo', key: stubKey({ ...stage, key, functionId: 'echo' }) }
const authentic = []
for (let i = 0; i < senders; i++) authentic.push(await firstFrame(environment))
const [known] = authentic

const altered = (change) => () => {
  const frame = Buffer.from(known)
  change(frame)
  return frame
}
const KINDS = {
  forged: altered((frame) => randomBytes(16).copy(frame, SENDER_ID)),
  'forged, function unknown': altered((frame) => randomBytes(24).copy(frame, TAG)),
  'key unknown': altered((frame) => randomBytes(28).copy(frame, 2)),
  malformed: altered((frame) => frame.writeUInt32BE(0xffff, COUNT)),
  arbitrary: () => randomBytes(known.length),
  replayed: () => known,
}
const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]

/** Microseconds for each frame of a block. */
function timed(block) {
  const before = process.hrtime.bigint()
  for (const frame of block) deliver(frame)
  return Number(process.hrtime.bigint() - before) / 1_000 / block.length
}

const times = Object.fromEntries(['authentic', ...Object.keys(KINDS)].map((kind) => [kind, []]))
const half = { at: Math.floor(frames / 2), heapMb: 0 }
const kinds = Object.entries(KINDS)
let given = 0
let next = 0
while (given < frames) {
  if (next < authentic.length) {
    times.authentic.push(timed(authentic.slice(next, next + BLOCK)))
    next += BLOCK
  }
  for (const [kind, make] of kinds) {
    const block = Array.from({ length: BLOCK }, make)
    times[kind].push(timed(block))
    given += BLOCK
  }
  if (half.heapMb === 0 && given >= half.at && next >= authentic.length) half.heapMb = memoryMb().heapMb
  // As a broker's connection does between its packets.
  await new Promise(setImmediate)
}
// Counts compiled code only, so the first blocks are left out.
const us = Object.fromEntries(
  Object.entries(times).map(([kind, all]) => [kind, median(all.slice(Math.min(5, all.length - 1)))]),
)
onEnd(() => session.close({ signal: AbortSignal.abort() }))
report('measured', { us, heapMb: { half: half.heapMb, last: memoryMb().heapMb }, begun })
