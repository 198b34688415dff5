import { checkSecret, checkText, listOf, matching, withMethods } from '../core/base/option-checks.js'
import { fields, required } from '../core/base/options.js'

export const checkAccountId = matching(/^\d{12}$/, 'an account number of twelve digits')

/** Credentials as the local cloud takes them. */
export const checkCredentials = fields('AWS credentials', {
  accessKeyId: required(checkText),
  secretAccessKey: required(checkSecret),
  sessionToken: checkSecret,
  policy: fields('a policy document', {}),
})

/** Who may connect. */
export const checkIdentities = listOf('a list of credentials', checkCredentials)

/** What events go to. */
export const checkInvoked = withMethods('a function of the local cloud', 'invoke')
