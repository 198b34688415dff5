import type { RequestListener } from 'node:http'
import { answerIam, type RolePolicies } from './iam-policies.js'
import { type XmlService, xmlService } from './xml-service.js'

/** The roles that the IAM API serves, and the credentials it accepts. */
export interface IamApiOptions extends Pick<XmlService, 'identities' | 'gate' | 'clock'> {
  readonly region: string
  readonly roles: RolePolicies
}

/** Serves IAM's operations on roles and their inline policies. */
export function iamApi({ region, roles, ...common }: IamApiOptions): RequestListener {
  return xmlService({
    ...common,
    service: 'iam',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    // IAM is global and signed for us-east-1; a client with a custom endpoint signs for its own region.
    regions: [...new Set(['us-east-1', region])],
    answer: (action, form) => answerIam(action, form, roles),
  })
}
