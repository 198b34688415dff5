// npm run docs:inspector: a session with invocations, its inspector in Chromium, and a picture of the page in
// docs/pictures/inspector.png. The picture is a screenshot; nothing of it is drawn.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSession, generateKey } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { inspect } from 'lambda-tether/inspector'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { startChromium } from '../browser/chromium.js'
import { lambdaContext } from '../invocation/context.js'

const PICTURE = fileURLToPath(new URL('../../docs/pictures/inspector.png', import.meta.url))
const TIME_LIMIT_MS = 10_000
const SHOWN = 'GET /orders/17'

const folder = await mkdtemp(join(tmpdir(), 'tether-picture-'))
process.env.XDG_RUNTIME_DIR = folder
const stage = { app: 'shop', stage: 'dev' }
const [root, transport] = [generateKey(), memory()]
const session = createSession({ ...stage, key: root, transport })
const source = (name) => fileURLToPath(new URL(`./functions/${name}.js#handler`, import.meta.url))
session.serve({
  executor: workerThreads(),
  functions: { orders: source('orders'), invoices: source('invoices') },
})
const inspector = await inspect(session, { folder, diagnose: async () => ({ ok: true, checks: [] }) })
const browser = await startChromium()
try {
  await session.open()
  await invokeAll()
  const page = await browser.newPage({ viewport: { width: 1200, height: 820 }, colorScheme: 'light' })
  await page.goto(inspector.url)
  await page.locator('.row', { hasText: SHOWN }).first().click()
  await page.getByRole('region', { name: 'Timing' }).waitFor()
  await page.screenshot({ path: PICTURE })
} finally {
  await browser.close()
  await inspector.close()
  await session.close()
  await rm(folder, { recursive: true, force: true })
}

async function invokeAll() {
  const orders = stubOf('orders')
  const invoices = stubOf('invoices')
  await orders(request('GET', '/orders'))
  await orders(request('POST', '/orders', { items: [{ sku: 'A-1' }, { sku: 'B-2' }] }))
  await invoices(queued('invoice-19'))
  await orders(request('GET', '/orders/99')).catch(() => {})
  await orders(request('GET', '/orders/18'))
  await orders(request('GET', '/orders/20'))
  await orders(request('GET', '/orders/17'))
  await invoices(queued('invoice-20'))
  await Promise.all([orders.close(), invoices.close()])
}

function stubOf(functionId) {
  const key = stubKey({ ...stage, key: root, functionId })
  const handler = createStub({ ...stage, key, transport, functionId })
  const invoke = (event) => {
    const deadline = performance.now() + TIME_LIMIT_MS
    return handler(
      event,
      lambdaContext({ functionName: `shop-dev-${functionId}`, awsRequestId: crypto.randomUUID(), deadline }),
    )
  }
  return Object.assign(invoke, { close: () => handler.close() })
}

function request(method, rawPath, body) {
  return {
    version: '2.0',
    rawPath,
    rawQueryString: '',
    headers: {
      authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl',
      host: 'api.shop.example',
    },
    requestContext: { http: { method, path: rawPath, sourceIp: '203.0.113.7' } },
    ...(body && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  }
}

function queued(messageId) {
  const eventSourceARN = 'arn:aws:sqs:eu-west-1:123456789012:invoices'
  return { Records: [{ messageId, body: '{"order":19}', eventSource: 'aws:sqs', eventSourceARN }] }
}
