import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { rolePath } from '../account.js'
import { TRUST_LAMBDA } from '../resources.js'
import type { AnswerCase, CaseContext } from './case.js'

const PolicyName = 'answers'
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:DescribeEndpoint', Resource: '*' }],
})

const createRole = ({ name, account }: CaseContext) =>
  new CreateRoleCommand({
    RoleName: name,
    Path: rolePath(account.region),
    AssumeRolePolicyDocument: TRUST_LAMBDA,
    Tags: [{ Key: 'purpose', Value: 'acceptance' }],
  })

/** Calls of IAM's that come first: the role is Lambda's as well. */
export const iamCases: readonly AnswerCase[] = [
  {
    name: 'CreateRole',
    async ask(context) {
      const { Role } = await context.iam.send(createRole(context))
      context.roleArn = Role?.Arn ?? ''
    },
  },
  {
    name: 'CreateRole twice',
    error: 'EntityAlreadyExists',
    ask: (context) => context.iam.send(createRole(context)),
  },
  { name: 'GetRole', ask: ({ iam, name }) => iam.send(new GetRoleCommand({ RoleName: name })) },
  {
    name: 'GetRole missing',
    error: 'NoSuchEntity',
    ask: ({ iam, name }) => iam.send(new GetRoleCommand({ RoleName: `${name}-missing` })),
  },
  {
    name: 'ListRoles',
    ask: ({ iam, account }) => iam.send(new ListRolesCommand({ PathPrefix: rolePath(account.region) })),
  },
  {
    name: 'PutRolePolicy',
    ask: ({ iam, name }) =>
      iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName, PolicyDocument })),
  },
  {
    name: 'PutRolePolicy malformed',
    error: 'MalformedPolicyDocument',
    ask: ({ iam, name }) =>
      iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName, PolicyDocument: '{' })),
  },
  {
    name: 'GetRolePolicy',
    ask: ({ iam, name }) => iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName })),
  },
  {
    name: 'GetRolePolicy missing',
    error: 'NoSuchEntity',
    ask: ({ iam, name }) => iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName: 'missing' })),
  },
  {
    name: 'ListRolePolicies',
    ask: ({ iam, name }) => iam.send(new ListRolePoliciesCommand({ RoleName: name })),
  },
]

/** Calls of IAM's that come last. */
export const lastIamCases: readonly AnswerCase[] = [
  {
    name: 'DeleteRole with policies',
    error: 'DeleteConflict',
    ask: ({ iam, name }) => iam.send(new DeleteRoleCommand({ RoleName: name })),
  },
  {
    name: 'DeleteRolePolicy',
    ask: ({ iam, name }) => iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName })),
  },
  { name: 'DeleteRole', ask: ({ iam, name }) => iam.send(new DeleteRoleCommand({ RoleName: name })) },
]
