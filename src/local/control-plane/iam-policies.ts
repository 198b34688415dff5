import { escapeXml } from '../s3/xml.js'
import { ControlPlaneError } from './errors.js'
import { checkDocument } from './iam-documents.js'
import { type IamRoles, noSuchRole } from './iam-roles.js'

/** Roles and their inline policies. */
export interface RolePolicies {
  readonly roles: IamRoles
  /** Documents by role and name. */
  readonly policies: Map<string, Map<string, string>>
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space is not counted
const MAX_POLICY_CHARACTERS = 10_240

/** Carries out an IAM operation; returns its result as XML, if it has one. @throws ControlPlaneError */
export function answerIam(
  action: string,
  form: URLSearchParams,
  { roles, policies }: RolePolicies,
): string | undefined {
  const role = form.get('RoleName') ?? ''
  const ofRole = policies.get(role) ?? new Map<string, string>()
  switch (action) {
    case 'CreateRole':
      return roles.create(form)
    case 'GetRole':
      return roles.get(role)
    case 'ListRoles':
      return roles.list(form.get('PathPrefix') ?? '/')
    case 'DeleteRole':
      roles.delete(role, ofRole.size)
      return undefined
    case 'PutRolePolicy':
    case 'GetRolePolicy':
    case 'DeleteRolePolicy':
    case 'ListRolePolicies':
      if (!roles.has(role)) throw noSuchRole(role)
      policies.set(role, ofRole)
      return answerPolicies(action, form, ofRole)
    default:
      throw new ControlPlaneError('InvalidAction', `The local IAM does not serve ${action}.`)
  }
}

function answerPolicies(
  action: string,
  form: URLSearchParams,
  ofRole: Map<string, string>,
): string | undefined {
  const role = form.get('RoleName') ?? ''
  const name = form.get('PolicyName') ?? ''
  switch (action) {
    case 'PutRolePolicy': {
      if (!/^[\w+=,.@-]{1,128}$/.test(name)) {
        throw new ControlPlaneError('ValidationError', `'${name}' is no policy name.`)
      }
      const document = form.get('PolicyDocument') ?? ''
      checkDocument(document)
      const documents = [...new Map([...ofRole, [name, document]]).values()]
      const characters = documents.reduce((sum, text) => sum + text.replace(/\s/g, '').length, 0)
      if (characters > MAX_POLICY_CHARACTERS) {
        throw new ControlPlaneError(
          'LimitExceeded',
          `Maximum policy size of ${MAX_POLICY_CHARACTERS} bytes exceeded for role ${role}: ${characters}.`,
        )
      }
      ofRole.set(name, document)
      return undefined
    }
    case 'GetRolePolicy':
      return `<RoleName>${escapeXml(role)}</RoleName><PolicyName>${escapeXml(name)}</PolicyName><PolicyDocument>${encodeURIComponent(existing(ofRole, name))}</PolicyDocument>`
    case 'DeleteRolePolicy':
      existing(ofRole, name)
      ofRole.delete(name)
      return undefined
    default: {
      const names = [...ofRole.keys()].map((one) => `<member>${escapeXml(one)}</member>`)
      return `<PolicyNames>${names.join('')}</PolicyNames><IsTruncated>false</IsTruncated>`
    }
  }
}

function existing(policies: ReadonlyMap<string, string>, name: string): string {
  const document = policies.get(name)
  if (document !== undefined) return document
  throw new ControlPlaneError('NoSuchEntity', `The role policy with name ${name} cannot be found.`)
}
