import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  ListFunctionsCommand,
  ListLayersCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { connect, managementClient, openApi } from '../local/web-socket-fixture.js'
import { localAccount } from './acceptance/account.js'
import type { AnswerCase } from './acceptance/answers/case.js'
import { type CaseAnswer, outcomeOf, recordCases } from './acceptance/answers/record.js'
import type { Answer } from './answers/answer.js'
import { differences } from './answers/difference.js'
import { type Fixture, fixtureOf, readFixtures } from './answers/fixture.js'
import { modelProblems } from './answers/model-problems.js'
import { recordAnswers } from './answers/recorder.js'

const CREDENTIALS = { accessKeyId: 'AKIADEVELOPER0000000', secretAccessKey: 'secret' }

// They show or change what an account shares with others: only the local cloud is asked.
const SHARED: readonly AnswerCase[] = [
  { name: 'ListFunctions', ask: ({ lambda }) => lambda.send(new ListFunctionsCommand({})) },
  { name: 'ListBuckets', ask: ({ s3 }) => s3.send(new ListBucketsCommand({})) },
  { name: 'ListLayers', ask: ({ lambda }) => lambda.send(new ListLayersCommand({})) },
  {
    name: 'PutFunctionConcurrency',
    ask: ({ lambda, name }) =>
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 1 })),
  },
  {
    name: 'GetFunctionConcurrency of a reservation',
    ask: ({ lambda, name }) => lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name })),
  },
  {
    name: 'DeleteFunctionConcurrency',
    ask: ({ lambda, name }) => lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: name })),
  },
]

const FIXTURES = readFixtures()
let cloud: LocalCloud
let answers: ReadonlyMap<string, CaseAnswer>

beforeAll(async () => {
  cloud = createLocalCloud({ region: 'eu-west-1', controlPlane: { updateMs: 5 } })
  await cloud.open()
  const recorded = await recordCases(localAccount(cloud), 'answers', SHARED)
  answers = new Map(recorded.map((answer) => [nameOf(answer), answer]))
}, 60_000)
afterAll(() => cloud.close())

const nameOf = (one: Pick<CaseAnswer, 'service' | 'case'>) => `${one.service} ${one.case}`
const fixtureNamed = (name: string): Fixture => FIXTURES.find((one) => nameOf(one) === name)!

test("the local cloud answers as each case expects, and as the SDK's model has it", () => {
  const all = [...answers.values()]
  expect(all.map((answer) => [answer.case, outcomeOf(answer)])).toEqual(
    all.map(({ case: name, expected = 'ok' }) => [name, expected]),
  )
  expect(all.flatMap(modelProblems)).toEqual([])
})

test("the local API Gateway's management API answers as the SDK's model has it", async () => {
  const api = await openApi({ identities: [CREDENTIALS], limits: { messageBytes: 1_000 } })
  const { connectionId: ConnectionId } = await connect(api, { credentials: CREDENTIALS })
  const answers: Answer[] = []
  const client = managementClient(api, CREDENTIALS)
  recordAnswers(client, 'management', (answer) => answers.push(answer))
  const post = (id: string, Data: string) =>
    client.send(new PostToConnectionCommand({ ConnectionId: id, Data }))
  await post(ConnectionId, 'text')
  await client.send(new GetConnectionCommand({ ConnectionId }))
  await expect(post(ConnectionId, 'x'.repeat(1_001))).rejects.toThrow()
  await client.send(new DeleteConnectionCommand({ ConnectionId }))
  await expect(post('gone=', 'text')).rejects.toThrow()
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 413, 204, 410])
  expect(answers.flatMap(modelProblems)).toEqual([])
})

test.each(FIXTURES.map((fixture) => [nameOf(fixture), fixture] as const))(
  'the local cloud answers as recorded: %s',
  (name, fixture) => {
    expect(answers.get(name), 'no case has this name').toBeDefined()
    expect(differences(fixture, answers.get(name)!)).toEqual([])
  },
)

test('an answer equals its own fixture, despite omitted fields', () => {
  for (const answer of answers.values()) {
    expect(differences(fixtureOf(answer, 'aws', 'this test'), answer)).toEqual([])
  }
})

test('a fixture contains no account data', () => {
  const { accountId, credentials } = cloud
  const texts = [...answers.values()].map((answer) => JSON.stringify(fixtureOf(answer, 'aws', 'this test')))
  for (const secret of [accountId, credentials.accessKeyId, 'X-Amz-Signature', '127.0.0.1', 'arn:aws']) {
    expect(texts.filter((text) => text.includes(secret))).toEqual([])
  }
})

describe('a fixture that was altered fails:', () => {
  const GET = 'lambda GetFunctionConfiguration'
  const alter = (name: string, changes: object, body: object = {}): Fixture => {
    const fixture = fixtureNamed(name)
    return { ...fixture, ...changes, body: { ...(fixture.body as object), ...body } }
  }
  test.each<[string, string, object, object, string]>([
    ['the status', GET, { status: 202 }, {}, 'the status is 200, not 202'],
    [
      'the error',
      'lambda GetFunction missing',
      { error: 'Gone' },
      {},
      'is ResourceNotFoundException, not Gone',
    ],
    ['one field more', GET, {}, { Colour: 'blue' }, '.Colour is missing'],
    ['another type', GET, {}, { Timeout: '3' }, '.Timeout is a number, not a string'],
    ['a field within', GET, {}, { TracingConfig: { Rate: 1 } }, '.TracingConfig.Rate is missing'],
  ])('%s', (_what, name, changes, body, problem) => {
    expect(differences(alter(name, changes, body), answers.get(name)!)).toEqual([
      expect.stringContaining(problem),
    ])
  })

  test('one field less, where it comes from AWS', () => {
    const answer = answers.get(GET)!
    const whole = fixtureOf(answer, 'aws', 'this test')
    const { Handler: _, ...body } = whole.body as Record<string, unknown>
    expect(differences({ ...whole, body }, answer)).toEqual([
      expect.stringContaining('.Handler is not there'),
    ])
    expect(differences({ ...whole, body, origin: 'documentation' }, answer)).toEqual([])
  })
})
