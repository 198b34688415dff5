import { createLocalCloud } from 'lambda-tether/local'
import { onEnd, report } from '../process/child.js'
import { besideRawEchoes } from './raw-echoes.js'
import { CREDENTIALS, REGION } from './transport.js'

// API Gateway meters the messages to and from clients in units of 32 KB.
const UNIT_BYTES = 32 * 1024
const { BENCH_APP, BENCH_STAGE, BENCH_KEY } = process.env

const cloud = createLocalCloud({ region: REGION, credentials: CREDENTIALS })
await cloud.open()
let down = false
const { api, endpoint } = await cloud.debugStack({
  app: BENCH_APP,
  stage: BENCH_STAGE,
  key: BENCH_KEY,
  through: (relay) => {
    const { invoke } = besideRawEchoes(relay, () => api)
    return {
      async invoke(...args) {
        if (down) throw new Error('The relay is down.')
        return invoke(...args)
      },
    }
  },
})
const tally = { messages: 0, units: 0, bytes: 0, relayed: 0, discarded: 0 }
const meter = (bytes) => {
  tally.messages++
  tally.bytes += bytes
  tally.units += Math.max(1, Math.ceil(bytes / UNIT_BYTES))
}
api.on('message', ({ bytes, routeKey }) => {
  meter(bytes)
  if (routeKey === '$default') tally.relayed++
})
api.on('post', ({ bytes, status }) => {
  if (status === 200) meter(bytes)
  else tally.discarded++
})
process.on('message', ({ type }) => {
  if (type === 'tally') report('tally', tally)
  if (type === 'down') {
    down = true
    api.cut({ unreported: true })
    report('down')
  }
  if (type === 'up') {
    down = false
    report('up')
  }
})
onEnd(() => cloud.close())
const { port, pathname } = new URL(endpoint)
report('ready', { port: Number(port), path: pathname })
