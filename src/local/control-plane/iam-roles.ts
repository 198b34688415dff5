import { randomBytes } from 'node:crypto'
import { partitionOf } from '../../aws/endpoints.js'
import type { Clock } from '../../core/base/clock.js'
import { escapeXml } from '../s3/xml.js'
import { ControlPlaneError } from './errors.js'
import { checkDocument } from './iam-documents.js'

/** A created role. */
interface Role {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly createdAt: string
  readonly trust: string
  readonly description: string | undefined
  readonly tags: readonly (readonly [key: string, value: string])[]
}

/** The roles of an account: created ones, and roles named by functions. */
export class IamRoles {
  readonly #created = new Map<string, Role>()
  /** Prefix of every role's ARN. */
  readonly #arnPrefix: string
  readonly #clock: Clock
  readonly #named: () => ReadonlySet<string>

  /** @param named returns the roles named by functions; these may exist without having been created here */
  constructor(accountId: string, region: string, clock: Clock, named: () => ReadonlySet<string>) {
    this.#arnPrefix = `arn:${partitionOf(region)}:iam::${accountId}:role`
    this.#clock = clock
    this.#named = named
  }

  has(name: string): boolean {
    return this.#created.has(name) || this.#named().has(name)
  }

  /** @throws ControlPlaneError */
  create(form: URLSearchParams): string {
    const name = form.get('RoleName') ?? ''
    const path = form.get('Path') ?? '/'
    const trust = form.get('AssumeRolePolicyDocument') ?? ''
    if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
      throw new ControlPlaneError('ValidationError', `'${name}' is no role name.`)
    }
    if (!/^\/(?:[!-~]{1,510}\/)?$/.test(path)) {
      throw new ControlPlaneError('ValidationError', 'The specified value for path is invalid.')
    }
    if (this.has(name)) {
      throw new ControlPlaneError('EntityAlreadyExists', `Role with name ${name} already exists.`)
    }
    checkDocument(trust)
    const role: Role = {
      name,
      path,
      // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
      id: `AROA${randomBytes(9).toString('hex').slice(0, 17).toUpperCase()}`,
      createdAt: `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`,
      trust,
      description: form.get('Description') ?? undefined,
      tags: tagsOf(form),
    }
    this.#created.set(name, role)
    return `<Role>${this.#xml(role)}${tagsXml(role)}</Role>`
  }

  /** @throws ControlPlaneError `NoSuchEntity` */
  get(name: string): string {
    const role = this.#created.get(name)
    if (role === undefined) throw noSuchRole(name)
    return `<Role>${this.#xml(role)}${detailsXml(role)}${tagsXml(role)}<RoleLastUsed></RoleLastUsed></Role>`
  }

  /** Lists the roles below a path, sorted by name; without tags, as in IAM. */
  list(pathPrefix: string): string {
    const roles = [...this.#created.values()]
      .filter(({ path }) => path.startsWith(pathPrefix))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const members = roles.map((role) => `<member>${this.#xml(role)}${detailsXml(role)}</member>`)
    return `<Roles>${members.join('')}</Roles><IsTruncated>false</IsTruncated>`
  }

  /** @throws ControlPlaneError `NoSuchEntity`; `DeleteConflict` if it has policies */
  delete(name: string, policies: number): void {
    if (!this.#created.has(name)) throw noSuchRole(name)
    if (policies > 0) {
      throw new ControlPlaneError('DeleteConflict', 'Cannot delete entity, must delete policies first.')
    }
    this.#created.delete(name)
  }

  #xml({ name, path, id, createdAt, trust }: Role): string {
    const arn = `${this.#arnPrefix}${path}${name}`
    return `<Path>${escapeXml(path)}</Path><RoleName>${escapeXml(name)}</RoleName><RoleId>${id}</RoleId><Arn>${escapeXml(arn)}</Arn><CreateDate>${createdAt}</CreateDate><AssumeRolePolicyDocument>${encodeURIComponent(trust)}</AssumeRolePolicyDocument>`
  }
}

/** Makes IAM's error for a missing role. */
export function noSuchRole(name: string): ControlPlaneError {
  return new ControlPlaneError('NoSuchEntity', `The role with name ${name} cannot be found.`)
}

function tagsOf(form: URLSearchParams): [string, string][] {
  const tags: [string, string][] = []
  for (let at = 1; form.has(`Tags.member.${at}.Key`); at += 1) {
    tags.push([form.get(`Tags.member.${at}.Key`) ?? '', form.get(`Tags.member.${at}.Value`) ?? ''])
  }
  return tags
}

function tagsXml({ tags }: Role): string {
  if (tags.length === 0) return ''
  const members = tags.map(
    ([key, value]) => `<member><Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></member>`,
  )
  return `<Tags>${members.join('')}</Tags>`
}

// CreateRole's answer lacks these.
function detailsXml({ description }: Role): string {
  const text = description === undefined ? '' : `<Description>${escapeXml(description)}</Description>`
  return `${text}<MaxSessionDuration>3600</MaxSessionDuration>`
}
