import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
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

test('invalid and forbidden requests fail as in IAM', async () => {
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

test('a role is created, found below its path, and deleted once it has no policies', async () => {
  const { iam } = await controlPlane()
  const role = { RoleName: 'made', Path: '/team/', AssumeRolePolicyDocument: PolicyDocument }
  const { Role } = await iam.send(new CreateRoleCommand({ ...role, Description: 'mine' }))
  expect(Role).toMatchObject({
    Arn: 'arn:aws:iam::123456789012:role/team/made',
    RoleId: expect.stringMatching(/^AROA[0-9A-F]{17}$/),
  })
  const list = async (PathPrefix: string) =>
    (await iam.send(new ListRolesCommand({ PathPrefix }))).Roles?.map((one) => one.RoleName)
  expect([await list('/team/'), await list('/other/'), await list('/')]).toEqual([['made'], [], ['made']])
  await expect(iam.send(new CreateRoleCommand(role))).rejects.toMatchObject({
    name: 'EntityAlreadyExistsException',
  })

  await iam.send(new PutRolePolicyCommand({ RoleName: 'made', PolicyName, PolicyDocument }))
  const deletion = () => iam.send(new DeleteRoleCommand({ RoleName: 'made' }))
  await expect(deletion()).rejects.toMatchObject({ name: 'DeleteConflictException' })
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'made', PolicyName }))
  await deletion()
  expect(await list('/')).toEqual([])
  await expect(deletion()).rejects.toMatchObject({ name: 'NoSuchEntityException' })
})

test.each([
  ['cn-north-1', 'aws-cn'],
  ['us-gov-west-1', 'aws-us-gov'],
  ['eusc-de-east-1', 'aws-eusc'],
])('in %s the partition is %s', async (region, partition) => {
  const { cloud, iam } = await controlPlane({ region })
  const role = { RoleName: 'made', AssumeRolePolicyDocument: PolicyDocument }
  const { Role } = await iam.send(new CreateRoleCommand(role))
  expect(Role?.Arn).toBe(`arn:${partition}:iam::123456789012:role/made`)
  expect(cloud.bucket('bucket').arn).toBe(`arn:${partition}:s3:::bucket`)
})

test.each<[string, object, string]>([
  ['name', { RoleName: 'a b' }, 'ValidationError'],
  ['path', { Path: 'team' }, 'ValidationError'],
  ['trust', { AssumeRolePolicyDocument: '{' }, 'MalformedPolicyDocumentException'],
])('a role with a wrong %s is refused', async (_what, wrong, name) => {
  const { iam } = await controlPlane()
  const role = { RoleName: 'made', AssumeRolePolicyDocument: PolicyDocument, ...wrong }
  await expect(iam.send(new CreateRoleCommand(role))).rejects.toMatchObject({ name })
})
