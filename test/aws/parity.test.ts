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
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLocalCloud } from '../../src/local/index.js'
import { connect, managementClient, openApi } from '../local/web-socket-fixture.js'
import { localAccount } from './acceptance/account.js'
import type { AnswerCase } from './acceptance/answers/case.js'
import { outcomeOf, recordCases } from './acceptance/answers/record.js'
import type { Answer } from './answers/answer.js'
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

test("each answer of the local cloud is one that the SDK's model has", async () => {
  const cloud = createLocalCloud({ region: 'eu-west-1', controlPlane: { updateMs: 5 } })
  onTestFinished(() => cloud.close())
  await cloud.open()
  const answers = await recordCases(localAccount(cloud), 'parity', SHARED)
  for (const answer of answers) {
    expect(outcomeOf(answer), answer.case).toBe(answer.expected ?? 'ok')
  }
  expect(answers.flatMap(modelProblems)).toEqual([])
})

describe('the check finds', () => {
  const configuration: Answer = {
    service: 'lambda',
    operation: 'GetFunctionConfiguration',
    status: 200,
    headers: {},
    body: '{}',
  }
  const role =
    '<Role><Path>/</Path><RoleName>r</RoleName><RoleId>A</RoleId><Arn>a</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>'
  const getRole = (result: string): Answer => ({
    service: 'iam',
    operation: 'GetRole',
    status: 200,
    headers: {},
    body: `<GetRoleResponse><GetRoleResult>${result}</GetRoleResult></GetRoleResponse>`,
  })
  test.each<[string, Answer, string]>([
    ['another status', { ...configuration, status: 201 }, 'the model has status 200'],
    [
      'a field that is not there',
      { ...configuration, body: '{"Runtimes":1}' },
      '.Runtimes is not in the model',
    ],
    ['a wrong type', { ...configuration, body: '{"Timeout":"3"}' }, '.Timeout is "3", not a number'],
    [
      'a wrong type within',
      { ...configuration, body: '{"Layers":[{"Arn":1}]}' },
      '.Layers[0].Arn is 1, not a text',
    ],
    ['a missing field', getRole(role.replace('<Arn>a</Arn>', '')), '.Role.Arn is missing'],
    [
      'a wrong time',
      getRole(role.replace('2026-01-01T00:00:00Z', 'today')),
      '.Role.CreateDate is "today", not a time',
    ],
    [
      'an error that is not declared',
      { ...configuration, status: 409, headers: { 'x-amzn-errortype': 'ResourceConflictException' } },
      'it does not declare the error ResourceConflictException',
    ],
    [
      "an error's other status",
      { ...configuration, status: 400, headers: { 'x-amzn-errortype': 'ResourceNotFoundException' } },
      'the error ResourceNotFoundException has status 404',
    ],
    [
      "an error's other field",
      {
        ...configuration,
        status: 404,
        headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
        body: '{"Type":"User","message":"no"}',
      },
      '.message is not in the model',
    ],
  ])('%s', (_what, answer, problem) => {
    expect(modelProblems(answer)).toEqual([expect.stringContaining(problem)])
    expect(modelProblems(getRole(role))).toEqual([])
  })
})

test("each answer of the local API Gateway's management API is one that the SDK's model has", async () => {
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
