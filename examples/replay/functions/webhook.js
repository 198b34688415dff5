// A webhook as payment services send it: signed under a secret that both sides have.
import { createHmac, timingSafeEqual } from 'node:crypto'

export const handler = async ({ headers, body }) => {
  // A mistake: the sender signed the body as sent, not the same JSON written anew.
  const signed = JSON.stringify(JSON.parse(body))
  const expected = createHmac('sha256', process.env.WEBHOOK_SECRET).update(signed).digest()
  const given = Buffer.from(headers['x-signature'] ?? '', 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { statusCode: 401, body: JSON.stringify({ error: 'The signature is wrong.' }) }
  // Side effects happen again in a replay, unless the code looks for it.
  const charged = process.env.LAMBDA_TETHER_REPLAY === undefined
  return { statusCode: 200, body: JSON.stringify({ order: JSON.parse(body).order, charged }) }
}
