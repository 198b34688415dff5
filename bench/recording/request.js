import { seededBodies } from '../seeded/bodies.js'

const ITEM_BYTES = 100

/** An HTTP API's event with a body of JSON of about so many KB: a list of orders. The answer has the same body. */
export function request(kb) {
  const bodies = seededBodies(1)
  const items = Array.from({ length: Math.max(1, Math.floor((kb * 1024 - 500) / ITEM_BYTES)) }, (_, id) => ({
    id,
    name: `Item ${id} of the order`,
    price: 12.5 + id,
    note: bodies.text(30, id),
  }))
  return {
    version: '2.0',
    rawPath: '/orders',
    rawQueryString: 'page=2',
    headers: {
      authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlIG9mIGEgdG9rZW4',
      'content-type': 'application/json',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)',
    },
    requestContext: { http: { method: 'POST', path: '/orders' }, requestId: 'JKJaXmPLvHcESHA=' },
    body: JSON.stringify({ items }),
    isBase64Encoded: false,
  }
}
