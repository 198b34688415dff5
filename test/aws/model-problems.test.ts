import { describe, expect, test } from 'vitest'
import type { Answer } from './answers/answer.js'
import { modelProblems } from './answers/model-problems.js'

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
