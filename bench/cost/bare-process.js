// The least that an invocation has to do, in one process: two messages are sealed and opened, two bodies written as JSON and
// read again. Nothing of the package is in it.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { event } from './event.js'
import { serveRounds } from './rounds.js'

const HEADER_BYTES = 43
const NONCE_BYTES = 12
const TAG_BYTES = 16
const RECEIVER = Buffer.from(JSON.stringify(['bench', 'dev', 'stub', 'a'.repeat(22)]))
const NAME = Buffer.from('default')

const key = randomBytes(32)
let number = 0

function seal(body) {
  const head = Buffer.alloc(HEADER_BYTES + NAME.length)
  head.writeUInt32BE(++number, 26)
  NAME.copy(head, HEADER_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, head.subarray(22, 22 + NONCE_BYTES))
  cipher.setAAD(Buffer.concat([head, RECEIVER]))
  return Buffer.concat([head, cipher.update(body), cipher.final(), cipher.getAuthTag()])
}

function open(frame) {
  const headBytes = HEADER_BYTES + NAME.length
  const head = frame.subarray(0, headBytes)
  const end = frame.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, head.subarray(22, 22 + NONCE_BYTES))
  decipher.setAAD(Buffer.concat([head, RECEIVER]))
  decipher.setAuthTag(frame.subarray(end))
  const body = decipher.update(frame.subarray(headBytes, end))
  decipher.final()
  return body
}

const travel = (value) => JSON.parse(open(seal(Buffer.from(JSON.stringify(value)))).toString())

serveRounds(() => travel(travel(event)))
