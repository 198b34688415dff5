// Prints its port; ends with its standard input.
import { createServer } from 'node:http'
import { echo } from './echo.js'

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const answer = echo(Buffer.concat(chunks))
    response.writeHead(200, { 'Content-Length': answer.byteLength })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
