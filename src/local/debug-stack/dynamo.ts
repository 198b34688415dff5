/// <reference path="./dynalite.d.ts" />
import { signedHeaders } from '../../aws/sign-headers.js'
import { signingTime } from '../../aws/signature.js'
import { systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { type HttpListener, listen } from '../../network/listener.js'

/** A DynamoDB in memory, for `AWS_ENDPOINT_URL_DYNAMODB`. Does not check signatures or expire items. */
export interface DynamoEndpoint extends HttpListener {
  /** Makes a table from CreateTable's input. @throws TetherError `INVALID_OPTION` */
  createTable(input: Readonly<Record<string, unknown>>): Promise<void>
}

/** Serves DynamoDB with `dynalite`. @throws TetherError `MISSING_DEPENDENCY`, `UNREACHABLE` */
export async function dynamoEndpoint(host: string): Promise<DynamoEndpoint> {
  const dynalite = await loadDynalite()
  // dynalite must not listen itself: for an aborted request it throws an error that cannot be caught.
  const database = dynalite({ createTableMs: 0 })
  const listener = await listen(
    (request, response) => {
      if (request.headers.origin !== undefined) {
        response.writeHead(403).end('Requests of web pages are not served.')
        return
      }
      database.emit('request', request, response)
      request.removeAllListeners('error').on('error', () => {})
    },
    host,
    0,
  )
  return { ...listener, createTable: (input) => createTable(listener.url, input) }
}

async function createTable(endpoint: string, input: Readonly<Record<string, unknown>>): Promise<void> {
  const url = new URL(endpoint)
  const body = JSON.stringify(input)
  const own = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'DynamoDB_20120810.CreateTable',
  }
  // dynalite requires a signature but does not check it.
  const scope = { time: signingTime(systemClock.now()), region: 'us-east-1', service: 'dynamodb' }
  const identity = { accessKeyId: 'any', secretAccessKey: 'any' }
  const headers = signedHeaders({ method: 'POST', url, headers: own, body }, scope, identity)
  const response = await fetch(url, { method: 'POST', headers, body })
  const text = await response.text()
  if (!response.ok) throw new TetherError('INVALID_OPTION', `The table cannot be made: ${text}`)
}

async function loadDynalite(): Promise<typeof import('dynalite')['default']> {
  try {
    return (await import('dynalite')).default
  } catch (cause) {
    const message = "The local debug stack needs the package 'dynalite': npm install --save-dev dynalite@4"
    throw new TetherError('MISSING_DEPENDENCY', message, { cause })
  }
}
