import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goLive, type LiveOptions, restore, s3Snapshots } from '../../../../src/deploy/index.js'
import { createSession, type Session } from '../../../../src/index.js'
import { s3 } from '../../../../src/stores/s3.js'
import { apiGateway } from '../../../../src/transports/api-gateway.js'
import { iot } from '../../../../src/transports/iot.js'
import { namesOf, STAGE } from '../resources.js'
import { RunFunctions } from './functions.js'
import type { Subject } from './subject.js'

const PAYLOADS = [100, 100_000, 1_000_000]
// Near Lambda's limit; of the local cloud lambda-host.test.ts shows it, faster.
const LARGEST_PAYLOAD = 5_900_000
const WARM_INVOCATIONS = 20
// A new account may run ten at once.
const COLD_STARTS = 5

/** Functions go live, answer from here, and come back; what that costs in time. */
export function liveSuite(subject: Subject, roleArn: () => string): void {
  const { account, report, run, key, stack, timeoutMs } = subject
  const { region, credentials, endpoints, iotEndpoint: endpoint } = account
  const { wrapped, replaced, powerless, bucket } = namesOf(run)
  const functions = new RunFunctions(subject)
  const access = { region, ...(credentials && { credentials }) }
  const s3Access = { ...access, bucket, ...(endpoints && { endpoint: endpoints.s3 }) }
  const app = { app: run, stage: STAGE, key }
  const options = (more: Partial<LiveOptions> = {}): LiveOptions => ({
    ...access,
    ...(endpoints && { lambdaEndpoint: endpoints.lambda, iamEndpoint: endpoints.iam }),
    functions: [wrapped, replaced],
    bundle: 'iot',
    stub: { ...app, endpoint },
    snapshots: s3Snapshots(s3Access),
    ...more,
  })
  let session: Session | undefined
  const open = async (transport = iot({ ...access, endpoint }), scope = app): Promise<Session> => {
    session = createSession({ ...scope, transport, store: s3(s3Access) })
    session.on('invoke', (invocation) =>
      invocation.respond({ from: 'here', id: invocation.functionId, echo: invocation.event }),
    )
    await session.open()
    return session
  }
  const isHere = (answer: unknown) => (answer as { from?: string } | null)?.from === 'here'

  describe('functions', () => {
    let before: unknown[]
    const states = () => Promise.all([wrapped, replaced, powerless].map((name) => functions.state(name)))
    beforeAll(async () => {
      await functions.create(roleArn())
      before = await states()
    }, timeoutMs)
    afterAll(() => session?.close())

    test(
      'go live, one wrapped and one replaced, and answer from here',
      async () => {
        const since = performance.now()
        const { functions: live } = await goLive(options())
        report.measure('going live with two functions', performance.now() - since, 'ms')
        expect(live.map(({ mode, outcome }) => [mode, outcome])).toEqual([
          ['wrap', 'live'],
          ['replace', 'live'],
        ])
        await open()
        report.measure(
          'from live to answers from here, wrapped',
          await functions.until(wrapped, isHere),
          'ms',
        )
        report.measure(
          'from live to answers from here, replaced',
          await functions.until(replaced, isHere),
          'ms',
        )
      },
      timeoutMs,
    )

    test.each(account.kind === 'aws' ? [...PAYLOADS, LARGEST_PAYLOAD] : PAYLOADS)(
      'carry %d bytes there and back',
      async (bytes) => {
        const event = {
          text: randomBytes(Math.ceil(bytes * 0.75))
            .toString('base64')
            .slice(0, bytes),
        }
        const { answer, milliseconds } = await functions.invoke(wrapped, event)
        expect((answer as { echo?: unknown }).echo).toEqual(event)
        report.measure(`an event and an answer of ${bytes} bytes`, milliseconds, 'ms')
      },
      timeoutMs,
    )

    test(
      'answer quickly once they are warm, and start in a time that is measured',
      async () => {
        const warm: number[] = []
        for (let n = 0; n < WARM_INVOCATIONS; n += 1) {
          const { answer, milliseconds } = await functions.invoke(wrapped, { n })
          expect(isHere(answer)).toBe(true)
          warm.push(milliseconds)
        }
        report.measureAll('a warm invocation answered from here', warm)
        const many = Array.from({ length: COLD_STARTS }, (_, n) => functions.invoke(wrapped, { n }))
        const started = await Promise.all(many)
        expect(started.every(({ answer }) => isHere(answer))).toBe(true)
        report.measureAll(
          'several at once, new environments among them',
          started.map(({ milliseconds }) => milliseconds),
        )
        const inits = started.flatMap(({ initMs }) => initMs ?? [])
        if (inits.length > 0) report.measureAll('the start of a wrapped environment', inits)
      },
      timeoutMs,
    )

    test(
      'run their own code, or fail with NO_SESSION, after the session closes',
      async () => {
        await session?.close()
        const own = await functions.until(wrapped, (answer) => !isHere(answer))
        report.measure('from the end of the session to the own code', own, 'ms')
        expect((await functions.invoke(wrapped)).answer).toEqual({ from: 'node' })
        expect((await functions.invoke(replaced)).answer).toMatchObject({
          FunctionError: 'Unhandled',
          errorType: 'LambdaTether.NO_SESSION',
        })
      },
      timeoutMs,
    )

    test(
      'are copied to a session in mirror mode, and answer themselves',
      async () => {
        await restore(options())
        await goLive(options({ functions: [wrapped], mirror: true }))
        const mirror = await open()
        const copied = new Promise<unknown>((resolve) =>
          mirror.on('invoke', ({ mirrored, event }) => resolve({ mirrored, event })),
        )
        let heard: unknown
        copied.then((copy) => {
          heard = copy
        })
        const isCopied = (answer: unknown) => {
          expect(answer).toEqual({ from: 'node' })
          return heard !== undefined
        }
        // Long enough for the copy to leave before Lambda freezes the function.
        const event = { waitMs: 200 }
        report.measure(
          'from mirroring to the first copy',
          await functions.until(wrapped, isCopied, event),
          'ms',
        )
        expect(heard).toEqual({ mirrored: 'event', event })
        await mirror.close()
      },
      timeoutMs,
    )

    test.skipIf(account.kind === 'local')(
      'run their own code if their role lacks the permission (needs AWS: the local cloud gives every function the same rights)',
      async () => {
        const shown = { functions: [powerless], policy: 'print' } as const
        await goLive(options(shown))
        const opened = await open()
        const first = await functions.invoke(powerless)
        const second = await functions.invoke(powerless)
        expect([first.answer, second.answer]).toEqual([{ from: 'node' }, { from: 'node' }])
        report.measure('without a right, first invocation', first.milliseconds, 'ms')
        report.measure('without a right, next invocation', second.milliseconds, 'ms')
        await opened.close()
        await restore(options(shown))
      },
      timeoutMs,
    )

    test.skipIf(stack === undefined)(
      'answer from here through API Gateway (needs a debug stack)',
      async () => {
        const { endpoint: url, ...scope } = stack!
        await restore(options())
        const through = options({
          functions: [wrapped],
          bundle: 'api-gateway',
          stub: { ...scope, endpoint: url },
        })
        await goLive(through)
        const gateway = await open(apiGateway({ ...access, endpoint: url }), scope)
        await functions.until(wrapped, isHere)
        const warm: number[] = []
        for (let n = 0; n < WARM_INVOCATIONS; n += 1) {
          warm.push((await functions.invoke(wrapped, { n })).milliseconds)
        }
        report.measureAll('a warm invocation through API Gateway', warm)
        await gateway.close()
        await restore(through)
      },
      timeoutMs,
    )

    test(
      'come back as they were',
      async () => {
        await restore(options())
        expect(await states()).toEqual(before)
        const own = [await functions.invoke(wrapped), await functions.invoke(replaced)]
        expect(own.map(({ answer }) => answer)).toEqual([{ from: 'node' }, { from: 'python' }])
        const inits = own.flatMap(({ initMs }) => initMs ?? [])
        if (inits.length > 0) report.measureAll('the start of an environment as it was', inits)
        const warm: number[] = []
        for (let n = 0; n < WARM_INVOCATIONS; n += 1)
          warm.push((await functions.invoke(wrapped)).milliseconds)
        report.measureAll('a warm invocation of the own code', warm)
      },
      timeoutMs,
    )
  })
}
