import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { expect, test } from 'vitest'
import { clients, controlPlane } from './control-plane-fixture.js'
import { folder } from './lambda-fixture.js'

const RoleName = 'fn-role'
const PolicyName = 'lambda-tether'
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: 'a <b> & "c"' }],
})

test('a function’s role takes inline policies and gives them back', async () => {
  const { cloud, iam } = await controlPlane({ region: 'eu-west-1' })
  cloud.function({ name: 'fn', bundle: await folder({}) })
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }))
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual([PolicyName])
  const got = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
  expect(got).toMatchObject({ RoleName, PolicyName })
  expect(decodeURIComponent(got.PolicyDocument ?? '')).toBe(PolicyDocument)
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual([])
  const gone = { name: 'NoSuchEntityException', $metadata: { httpStatusCode: 404 } }
  await expect(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).rejects.toMatchObject(gone)
  await expect(iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))).rejects.toMatchObject(gone)
})

test('what IAM refuses is refused', async () => {
  const { cloud, iam } = await controlPlane()
  cloud.function({ name: 'fn', bundle: await folder({}) })
  const put = (more: object) =>
    iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument, ...more }))
  await expect(put({ RoleName: 'other' })).rejects.toMatchObject({ name: 'NoSuchEntityException' })
  await expect(put({ PolicyDocument: '{' })).rejects.toMatchObject({
    name: 'MalformedPolicyDocumentException',
  })
  const large = JSON.stringify({ Version: '2012-10-17', Statement: [], Id: 'x'.repeat(10_240) })
  await expect(put({ PolicyDocument: large })).rejects.toMatchObject({ name: 'LimitExceededException' })
  const stranger = clients(cloud, { credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' } })
  await expect(stranger.iam.send(new ListRolePoliciesCommand({ RoleName }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  })
})
