import { once } from 'node:events'
import { createServer } from 'node:http'

/** Answers AWS IoT's `DescribeEndpoint`, which Lambda Live Debugger calls at each invocation, at no distance. */
export async function startDescribeEndpoint(endpointAddress) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ endpointAddress }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
