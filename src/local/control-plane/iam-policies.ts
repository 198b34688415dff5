import { escapeXml } from '../s3/xml.js'
import { ControlPlaneError } from './errors.js'

/** Roles and what is written into them. */
export interface RolePolicies {
  readonly roles: ReadonlySet<string>
  /** Documents by role and name. */
  readonly policies: Map<string, Map<string, string>>
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space does not count
const MAX_POLICY_CHARACTERS = 10_240

/** Carries out one of IAM's operations; its result as XML, where it has one. @throws ControlPlaneError */
export function answerIam(
  action: string,
  form: URLSearchParams,
  { roles, policies }: RolePolicies,
): string | undefined {
  const role = form.get('RoleName') ?? ''
  const name = form.get('PolicyName') ?? ''
  if (!['PutRolePolicy', 'GetRolePolicy', 'DeleteRolePolicy', 'ListRolePolicies'].includes(action)) {
    throw new ControlPlaneError('InvalidAction', `The local IAM does not serve ${action}.`)
  }
  if (!roles.has(role)) {
    throw new ControlPlaneError('NoSuchEntity', `The role with name ${role} cannot be found.`)
  }
  const ofRole = policies.get(role) ?? new Map<string, string>()
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
      policies.set(role, ofRole)
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

function checkDocument(text: string): void {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null && 'Statement' in document) return
  } catch {
    // Refused below, as what is no policy at all.
  }
  throw new ControlPlaneError('MalformedPolicyDocument', 'Syntax errors in policy.')
}
