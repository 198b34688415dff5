// The event that arrived once is a test from now on: no session, no broker, no AWS.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { invokeLocally } from 'lambda-tether'
import { expect, test } from 'vitest'

const fixture = JSON.parse(await readFile(new URL('webhook.json', import.meta.url), 'utf8'))
const handler = fileURLToPath(new URL('webhook.js', import.meta.url))
const env = { WEBHOOK_SECRET: 'only-for-tests' }

test('takes an order whose signature is right', async () => {
  const answer = await invokeLocally(handler, fixture, { env })
  expect(answer.statusCode).toBe(200)
  expect(JSON.parse(answer.body)).toEqual({ order: 7, charged: true })
})

test('refuses one that was changed on its way', async () => {
  const changed = { ...fixture, body: fixture.body.replace('7', '8') }
  expect(await invokeLocally(handler, changed, { env })).toMatchObject({ statusCode: 401 })
})
