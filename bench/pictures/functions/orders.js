const prices = { '/orders/17': 42, '/orders/18': 17.5 }

export async function handler({ rawPath, requestContext, body }) {
  const { method } = requestContext.http
  console.log(`${method} \u001b[36m${rawPath}\u001b[0m`)
  if (method === 'POST') return answer(201, { id: 19, items: JSON.parse(body).items.length })
  if (rawPath === '/orders/99') throw new TypeError("Cannot read properties of undefined (reading 'total')")
  if (rawPath === '/orders') return answer(200, { orders: Object.keys(prices) })
  console.warn('price list of yesterday: \u001b[33mstale\u001b[0m')
  return prices[rawPath] === undefined
    ? answer(404, { message: 'No such order' })
    : answer(200, { id: 17, customer: 'Ann', total: prices[rawPath] })
}

function answer(statusCode, body) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
