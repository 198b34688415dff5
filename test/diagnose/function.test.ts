import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { goLive } from '../../src/deploy/index.js'
import type { DiagnoseOptions } from '../../src/diagnose/index.js'
import { stubEnvironment } from '../../src/stub/index.js'
import { iot } from '../../src/transports/iot.js'
import { APP, type LiveAccount, liveAccount } from '../deploy/live-fixture.js'
import { type Found, found } from './found.js'

let account: LiveAccount
let key: string
beforeAll(async () => {
  account = await liveAccount()
  key = account.options({ functions: ['one'] }).stub.key as string
  await account.create('plain')
  await account.create('wrapped')
  await goLive(account.options({ functions: ['wrapped'] }))
})
afterAll(() => account[Symbol.asyncDispose]())
beforeEach(() => {
  account.onCall = () => undefined
})

/** Of a function, from where its session is. */
function look(functionName: string, more: Partial<DiagnoseOptions> = {}): Promise<Found> {
  const { region, credentials, iotEndpoint: endpoint, lambdaEndpoint, iamEndpoint } = account.cloud
  const transport = iot({ region, credentials, endpoint })
  const place = { region, credentials, lambdaEndpoint, iamEndpoint }
  return found({ ...APP, key, transport, listenMs: 0, ...place, functionName, ...more })
}

async function setVariables(name: string, variables: Record<string, string>): Promise<void> {
  const { configuration } = await account.state(name)
  const Environment = { Variables: { ...configuration.Environment?.Variables, ...variables } }
  await account.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment }))
}

const OF_FUNCTION = ['function', 'variables', 'code', 'policy', 'vpc'] as const
const outcomesOf = ({ outcomes }: Found) => OF_FUNCTION.map((id) => outcomes[id])

describe("diagnose() of a function's stub", () => {
  it('finds nothing wrong with a function that is live', async () => {
    const finding = await look('wrapped')
    expect(outcomesOf(finding)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    expect(finding.seen.variables).toMatch(
      /^App live app, stage dev, session default, key [0-9a-f]{8}, live, until 20/,
    )
    expect(finding.seen.code).toMatch(/^Its layer is arn:aws:lambda:.*, of this version\.$/)
    expect(JSON.stringify(finding.diagnosis)).not.toMatch(/lts2_/)
  })

  it('reports a function that is not live', async () => {
    const finding = await look('plain')
    expect(outcomesOf(finding)).toEqual(['ok', 'failed', 'warning', 'unknown', 'ok'])
    expect(finding.seen.variables).toContain('it is not live')
    expect(finding.advice.policy).toContain('attach what iotPolicy')
  })

  it('reports variables that lead elsewhere, each with both values', async () => {
    const target = { ...APP, key: Buffer.alloc(32, 3), functionId: 'elsewhere' }
    await account.create('elsewhere', {
      Environment: {
        Variables: stubEnvironment({
          ...target,
          session: 'other',
          endpoint: 'wss://other.test',
          liveUntil: 1_000,
        }),
      },
      VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] },
    })
    const finding = await look('elsewhere')
    expect(outcomesOf(finding)).toEqual(['ok', 'failed', 'warning', 'unknown', 'warning'])
    expect(finding.seen.variables).toContain("Its session is 'other', and the session's is 'default'.")
    expect(finding.seen.variables).toMatch(/Its key [0-9a-f]{8} is not of yours \([0-9a-f]{8}\)/)
    expect(finding.seen.variables).toContain('It stopped being live at 1970-01-01T00:00:01.000Z')
    expect(finding.seen.vpc).toContain('vpc-0local, subnets subnet-1')
    expect(finding.advice.vpc).toContain('NAT gateway')
    const own = await look('elsewhere', { name: 'other', key: target.key, functionId: 'one' })
    expect(own.seen.variables).toContain("Its key is for another function than 'one'")
    const earlier = { ...systemClock, now: () => 0 }
    const there = await look('elsewhere', { name: 'other', key: target.key, clock: earlier })
    expect(there.outcomes.variables).toBe('warning')
    expect(there.seen.variables).toMatch(/It connects to other\.test, and the session to 127\.0\.0\.1:\d+\.$/)
  })

  it('reports a variable that is missing or not a key', async () => {
    await account.create('broken')
    await setVariables('broken', { LAMBDA_TETHER_APP: 'live app' })
    expect((await look('broken')).seen.variables).toContain('LAMBDA_TETHER_STAGE is missing')
  })

  it('reports a missing function and missing permissions', async () => {
    const none = await look('none')
    expect(outcomesOf(none)).toEqual(['failed', 'skipped', 'skipped', 'skipped', 'skipped'])
    expect(none.seen.function).toBe('There is no function none in us-east-1.')
    account.onCall = () => ({ error: 'AccessDeniedException', message: 'not you' })
    const denied = await look('wrapped')
    expect(outcomesOf(denied)).toEqual(['unknown', 'skipped', 'skipped', 'skipped', 'skipped'])
    expect(denied.advice.function).toContain('lambda:GetFunction')
  })

  it('asks IAM about another policy, and reports the refused action', async () => {
    const allowed = new Set(['iot:Connect', 'iot:Receive', 'iot:Subscribe'])
    const asked: string[] = []
    const iam = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const form = new URLSearchParams(body)
      const action = form.get('ActionNames.member.1') ?? ''
      if (form.get('Action') !== 'SimulatePrincipalPolicy') {
        response.writeHead(404)
        return response.end(
          '<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>none</Message></Error></ErrorResponse>',
        )
      }
      asked.push(form.get('ResourceArns.member.1') ?? '')
      const decision = allowed.has(action) ? 'allowed' : 'implicitDeny'
      return response.end(
        `<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>${action}</EvalActionName><EvalDecision>${decision}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`,
      )
    })
    await once(iam.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void iam.close())
    const iamEndpoint = `http://127.0.0.1:${(iam.address() as AddressInfo).port}`
    const refused = await look('plain', { iamEndpoint })
    expect(refused.outcomes.policy).toBe('failed')
    expect(refused.seen.policy).toMatch(
      /^Role plain-role is not allowed iot:Publish on arn:aws:iot:us-east-1:123456789012:topic/,
    )
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((arn) => arn.includes('*'))).toEqual([])
    allowed.add('iot:Publish')
    expect((await look('plain', { iamEndpoint })).outcomes.policy).toBe('ok')
  })
})
