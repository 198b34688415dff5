import type { IncomingMessage } from 'node:http'
import { defined } from '../core/base/defined.js'
import type { AgentOptions } from '../network/agent-option.js'
import { connectionAgent } from '../network/outgoing.js'
import type { SigningIdentity } from './credentials.js'
import { serviceHost } from './endpoints.js'
import { signedHeaders } from './sign-headers.js'
import { signingTime } from './signature.js'
import type { SigningClock } from './signing-clock.js'

/** The credentials to ask STS about, and the connection to STS. */
export interface IdentityQuestion extends AgentOptions {
  readonly region: string
  readonly credentials: SigningIdentity
  readonly clock: SigningClock
  /** Another server than AWS's. @default the region's */
  readonly endpoint?: string | undefined
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  readonly signal: AbortSignal
}

/** The answer of STS: the identity behind the credentials, or the reason for a refusal. Neither is a secret. */
export type CallerIdentity =
  | { readonly arn: string; readonly account: string }
  | { readonly awsError: string; readonly message: string }

interface Answer {
  readonly statusCode: number
  readonly date: string | undefined
  readonly xml: string
}

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
const MAX_ANSWER_CHARACTERS = 64 * 1024

/**
 * Asks STS for the identity behind the credentials (GetCallerIdentity), which needs no permission. If STS refuses
 * because of a wrong clock, corrects the clock and asks again.
 * @throws the network's errors; an Error if the answer does not come from STS
 */
export async function callerIdentity(question: IdentityQuestion): Promise<CallerIdentity> {
  const first = await ask(question)
  const { statusCode, xml } = question.clock.corrected(first) ? await ask(question) : first
  const [arn, account] = [textIn(xml, 'Arn'), textIn(xml, 'Account')]
  if (statusCode === 200 && arn !== undefined && account !== undefined) return { arn, account }
  const awsError = textIn(xml, 'Code')
  if (awsError === undefined) throw new Error(`it answered with status ${statusCode}`)
  return { awsError, message: textIn(xml, 'Message') ?? '' }
}

async function ask({
  region,
  credentials,
  clock,
  endpoint = `https://${serviceHost('sts', region)}`,
  agent: given,
  ca,
  signal,
}: IdentityQuestion): Promise<Answer> {
  const url = new URL('/', endpoint)
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const scope = { time: signingTime(clock.now()), region, service: 'sts' }
  const signed = signedHeaders({ method: 'POST', url, headers, body: BODY }, scope, credentials)
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  const agent = await connectionAgent(url, { agent: given }, signal)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // Without a proxy agent, `false` opens a socket for this request alone.
      const asked = request(url, {
        method: 'POST',
        agent: agent ?? false,
        signal,
        headers: signed,
        ...defined({ ca }),
      })
      asked.once('response', resolve).on('error', reject)
      asked.end(BODY)
    })
    let xml = ''
    for await (const chunk of response.setEncoding('utf8')) {
      xml += chunk as string
      if (xml.length > MAX_ANSWER_CHARACTERS) break
    }
    return { statusCode: response.statusCode ?? 0, date: response.headers.date, xml }
  } finally {
    agent?.destroy()
  }
}

function textIn(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1]
}
