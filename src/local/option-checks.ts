import { checkSecret, checkText, listOf, matching, withMethods } from '../core/base/option-checks.js'
import { fields, required } from '../core/base/options.js'

export const checkAccountId = matching(/^\d{12}$/, 'an account number of twelve digits')

/** Credentials for the local cloud. */
export const checkCredentials = fields('AWS credentials', {
  accessKeyId: required(checkText),
  secretAccessKey: required(checkSecret),
  sessionToken: checkSecret,
  policy: fields('a policy document', {}),
})

/** The credentials that may connect. */
export const checkIdentities = listOf('a list of credentials', checkCredentials)

/** A function that receives events. */
export const checkInvoked = withMethods('a function of the local cloud', 'invoke')
