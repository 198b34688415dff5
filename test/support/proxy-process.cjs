// An HTTP proxy in a process of its own. It takes every name for this machine, so that tests need no name server.
// Options: `password` (Basic, of `user`), `status` (refuses with it), `silent` (never answers), `intercept` ({ cert, key }: ends TLS itself
// and speaks plainly to the target), `tls` ({ cert, key }: is itself spoken to by TLS).
const { createServer } = require('node:http')
const { createServer: createTlsServer } = require('node:https')
const { connect } = require('node:net')
const { createSecureContext, TLSSocket } = require('node:tls')

const options = JSON.parse(process.argv[2])
const wanted = `Basic ${Buffer.from(`user:${options.password}`).toString('base64')}`
const onRequest = (_request, response) => response.writeHead(405).end()
const proxy = options.tls ? createTlsServer(options.tls, onRequest) : createServer(onRequest)

proxy.on('connect', ({ url, headers }, socket) => {
  socket.on('error', () => {})
  socket.once('close', () => process.send({ closed: url }))
  process.send({ asked: url })
  socket.once('end', () => socket.end())
  if (options.silent) return socket.resume()
  const refuse = (status, more = '') =>
    socket.end(`HTTP/1.1 ${status} Refused\r\n${more}content-length: 0\r\n\r\n`)
  if (options.password !== undefined && headers['proxy-authorization'] !== wanted) {
    return refuse(407, 'proxy-authenticate: Basic realm="proxy"\r\n')
  }
  if (options.status !== undefined) return refuse(options.status)
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
  const client = options.intercept
    ? new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(options.intercept) })
    : socket
  const target = connect({ host: '127.0.0.1', port: Number(url.split(':').pop()) })
  for (const [from, to] of [
    [client, target],
    [target, client],
  ]) {
    from.on('error', () => to.destroy())
    from.once('close', () => to.destroy())
    from.pipe(to)
  }
})
proxy.listen(0, '127.0.0.1', () => process.send({ port: proxy.address().port }))
process.once('disconnect', () => process.exit())
