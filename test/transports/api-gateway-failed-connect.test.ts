import { expect, test } from 'vitest'
import { failedConnect } from '../../src/transports/api-gateway/failed-connect.js'
import { UpgradeRefused } from '../../src/transports/socket/web-socket-upgrade.js'
import { session } from './inbox.js'

const refused = (host: string, statusCode: number) =>
  failedConnect({
    url: new URL(`wss://${host}/dev`),
    cause: new UpgradeRefused(statusCode, undefined),
    self: session,
    during: 'upgrade',
  })

const ofAws = 'abc123.execute-api.eu-west-1.amazonaws.com'

test('a 403 of AWS may come from the endpoint of a VPC, and the way out is told', () => {
  const { message, details } = refused(ofAws, 403)
  expect(message).toMatch(/'execute-api' endpoint with private DNS.*regional custom domain name/)
  expect(details).toEqual({ during: 'upgrade', statusCode: 403, refused: true })
})

test.each([
  ['another status', ofAws, 500],
  ['a domain of one’s own', 'api.example.com', 403],
])('%s does not', (_, host, statusCode) => {
  expect(refused(host, statusCode).message).not.toMatch('VPC')
})
