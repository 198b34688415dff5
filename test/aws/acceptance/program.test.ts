import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateRoleCommand } from '@aws-sdk/client-iam'
import { describe, expect, onTestFinished, test } from 'vitest'
import { generateKey } from '../../../src/index.js'
import { newRun, rolePath } from './account.js'
import { accountClients } from './clients.js'
import { contentOf } from './content.js'
import { openLocal } from './local.js'
import { accept, type ProgramSurroundings } from './program/accept.js'
import { chargesOf, costOf } from './program/cost.js'
import { programOptions } from './program/options.js'
import { leftRuns } from './remove.js'
import { Report } from './report.js'
import { createRole, TRUST_LAMBDA } from './resources.js'
import { RunFunctions } from './suites/functions.js'

/** Runs the program with what it prints and asks. */
async function run(
  args: readonly string[],
  more: Partial<ProgramSurroundings> = {},
): Promise<{ code: number; printed: string; asked: string[] }> {
  let printed = ''
  const asked: string[] = []
  const code = await accept(args, {
    env: {},
    ask: async (question) => {
      asked.push(question)
      return 'n'
    },
    print: (text) => {
      printed += text
    },
    runTests: () => Promise.reject(new Error('nothing may run')),
    ...more,
  })
  return { code, printed, asked }
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'lambda-tether-accept-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

describe('before anything is created', () => {
  test.each<[string, string[], RegExp]>([
    ['no region', [], /No region is given: say --region/],
    ['an empty account', ['--account', '/nowhere.json'], /\/nowhere\.json cannot be read as JSON/],
    ['what is no region', ['--region', 'Ireland'], /'Ireland' is no AWS region/],
    ['two accounts', ['--region', 'eu-west-1', '--local'], /exclude each other/],
    ['an unknown option', ['--regoin', 'eu-west-1'], /--regoin/],
  ])('%s is refused', async (_what, args, message) => {
    expect(await run(args)).toEqual({ code: 2, printed: expect.stringMatching(message), asked: [] })
  })

  test('it lists the resources and their cost, asks, and creates nothing without a yes', async () => {
    const { code, printed, asked } = await run(['--region', 'eu-west-1'])
    expect([code, asked]).toEqual([1, ['Go on? [y/N] ']])
    expect(printed).toMatch(/3 IAM roles, 4 Lambda functions, 2 Lambda layers, 2 S3 buckets/)
    expect(printed).toContain(`costs at most $${costOf(chargesOf(false)).toFixed(2)}`)
    expect(printed).toMatch(/Nothing was created\.\n$/)
  })

  test('it requires --yes when it cannot ask', async () => {
    const refused = { code: 2, printed: expect.stringContaining('Say --yes'), asked: [] }
    expect(await run(['--region', 'eu-west-1'], { ask: undefined })).toEqual(refused)
  })

  test('its maximum cost is under ten cents', () => {
    expect(costOf(chargesOf(true))).toBeGreaterThan(costOf(chargesOf(false)))
    expect(costOf(chargesOf(true))).toBeLessThan(0.1)
  })

  test('a debug stack is given by its outputs, its application, stage and key', async () => {
    const file = join(await folder(), 'outputs.json')
    await writeFile(file, JSON.stringify([{ OutputKey: 'Endpoint', OutputValue: 'wss://a.example/tether' }]))
    const args = ['--local', '--stack', file, '--app', 'shop', '--stage', 'dev']
    expect(() => programOptions(args, {})).toThrow(/LAMBDA_TETHER_KEY/)
    expect(programOptions(args, { LAMBDA_TETHER_KEY: 'key' })).toMatchObject({
      stack: { endpoint: 'wss://a.example/tether', app: 'shop', stage: 'dev', key: 'key' },
    })
  })
})

test('it removes only the leftovers of an earlier run and of its own tests', async () => {
  await using local = await openLocal()
  const { account } = local
  using clients = accountClients(account)
  const report = join(await folder(), 'report')
  const file = join(await folder(), 'account.json')
  await writeFile(file, JSON.stringify(account))
  await createRole(clients.iam, 'somebody-elses')
  // Whoever removes this role leaves its functions and buckets for ever.
  const elsewhere = {
    RoleName: newRun(),
    Path: rolePath('us-west-2'),
    AssumeRolePolicyDocument: TRUST_LAMBDA,
  }
  await clients.iam.send(new CreateRoleCommand(elsewhere))
  const before = await contentOf(clients)
  const create = async (name: string) => {
    const subject = { account, clients, run: name, report: new Report(account, name), folder: report }
    const roleArn = await createRole(clients.iam, name)
    const functions = new RunFunctions({
      ...subject,
      key: generateKey(),
      stack: undefined,
      timeoutMs: 10_000,
    })
    await functions.create(roleArn)
  }
  const earlier = newRun()
  await create(earlier)
  expect(await contentOf(clients)).not.toEqual(before)

  const onAws = join(await folder(), 'aws.json')
  await writeFile(onAws, JSON.stringify({ ...account, kind: 'aws' }))
  const declined = await run(['--account', onAws, '--clean'])
  expect(declined).toMatchObject({
    code: 1,
    asked: [expect.stringMatching(`^${earlier} left something, unless`)],
  })
  expect(await leftRuns(clients)).toEqual([earlier])

  const { code, printed } = await run(['--account', file, '--report', report], {
    async runTests(settings) {
      expect(settings).toMatchObject({ account, report })
      expect(await contentOf(clients)).toEqual(before)
      await create(settings.run)
      return false
    },
  })
  expect(code).toBe(1)
  expect(printed).toMatch(new RegExp(`an earlier run left: ${earlier}\n`))
  expect(printed).toMatch(/what the tests left: lambda-tether-accept-[0-9a-f]{8}\n/)
  expect(await contentOf(clients)).toEqual(before)
})

test('a report contains no names, account ids or addresses', async () => {
  const into = await folder()
  const account = { kind: 'aws', region: 'eu-west-1', iotEndpoint: 'abc-ats.iot.example' } as const
  const report = new Report(account, newRun())
  const error =
    'User: arn:aws:sts::123456789012:assumed-role/Admin/jane@example.com is not authorized; API Gateway at a1b2c3.execute-api.eu-west-1.amazonaws.com, wss://a1b2c3.example/dev'
  report.outcomes.push({ test: 'one', state: 'fail', error })
  await report.write(into)
  for (const name of ['report.md', 'report.json']) {
    const text = await readFile(join(into, name), 'utf8')
    expect(text).toContain('User: <arn> is not authorized; API Gateway at <address>, <address>')
    expect(text).not.toMatch(/jane|123456789012|a1b2c3/)
  }
})
