import type { IncomingMessage } from 'node:http'
import { jsonValue } from '../../core/base/json.js'
import { isObject } from '../../core/base/options.js'
import { readBody } from '../../network/listener.js'
import { HttpProblem } from './http-problem.js'

/** Lambda limits events to 6 MB; as JSON within JSON they may be longer. */
const MAX_BYTES = 8 * 1024 * 1024

/** Reads the JSON object of a POST; a missing body is an empty object. @throws HttpProblem */
export async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request)
  if (text === '') return {}
  const value = jsonValue(text)
  if (isObject(value)) return value as Record<string, unknown>
  throw new HttpProblem('BAD_REQUEST', 'The body is not a JSON object.')
}

/** Reads the body of a POST. @throws HttpProblem if it is too large */
export async function readText(request: IncomingMessage): Promise<string> {
  const bytes = await readBody(request, MAX_BYTES)
  if (bytes !== undefined) return bytes.toString('utf8')
  throw new HttpProblem('TOO_LARGE', `The body has more than ${MAX_BYTES.toLocaleString('en')} bytes.`)
}
