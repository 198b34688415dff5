import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { findStrictProperties } from '../support/optional-properties.js'

/** What the local cloud gives, for clients of the AWS SDK, whose own type does not take `undefined`. */
const GIVEN: readonly string[] = [
  'LocalCredentials.sessionToken',
  // Members of events, as `@types/aws-lambda` has them.
  'CognitoUserRequest.clientMetadata',
  'an object.clientMetadata',
]

test('every optional property that a caller passes accepts undefined', { timeout: 120_000 }, () => {
  const modules = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
  )
  const { found, seen } = findStrictProperties(modules)
  expect(seen).toBeGreaterThan(150)
  expect(found.filter((name) => !GIVEN.includes(name))).toEqual([])
})
