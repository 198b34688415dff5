// Loaded before Lambda Live Debugger's code (`--import`): its connections to AWS IoT go to the local broker unchanged
// but without TLS, since this package's connections have no TLS here either.
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'

const port = Number(process.env.BENCH_BROKER_PORT)
const connect = tls.connect

tls.connect = (...args) =>
  /\.iot\.[^.]+\.amazonaws\.com$/.test(args[0]?.host)
    ? net.connect({ host: '127.0.0.1', port })
    : connect(...args)
syncBuiltinESMExports()
