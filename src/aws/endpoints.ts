import { type Check, mustBe } from '../core/base/options.js'

/** How the names of a partition's regions begin, the partition's name in ARNs, and the domain of its services. */
const PARTITIONS = [
  ['cn-', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-', 'aws-us-gov', 'amazonaws.com'],
  ['eusc-', 'aws-eusc', 'amazonaws.eu'],
  ['us-iso-', 'aws-iso', 'c2s.ic.gov'],
  ['us-isob-', 'aws-iso-b', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'aws-iso-e', 'cloud.adc-e.uk'],
  ['us-isof-', 'aws-iso-f', 'csp.hci.ic.gov'],
  ['', 'aws', 'amazonaws.com'],
] as const

/** Checks a region's name, such as `eu-west-1`. */
export const checkRegion: Check = (name, value) => {
  const fits = typeof value === 'string' && /^[a-z]{2,}(-[a-z]+)+-\d+$/.test(value)
  mustBe('an AWS region such as eu-west-1', fits, name, value)
}

/** The partition that a region lies in, `aws` for a region of no other. */
export function partitionOf(region: string): string {
  return factsOf(region)[1]
}

/** Where a service is reached, such as `dynamodb.eu-west-1.amazonaws.com`. */
export function serviceHost(service: string, region: string): string {
  return `${service}.${region}.${factsOf(region)[2]}`
}

/**
 * The region in a URL of an AWS service, such as `wss://abc-ats.iot.eu-west-1.amazonaws.com`; undefined for any other URL.
 * Partitions differ behind the region only, so a stub needs no table of them.
 */
export function endpointRegion(url: string | URL, service: string): string | undefined {
  return new RegExp(`\\.${service}\\.([a-z]+(?:-[a-z]+)+-\\d+)\\.`).exec(new URL(url).hostname)?.[1]
}

/**
 * Parses the option `endpoint`: a ws:// or wss:// URL, or a host to prefix with wss://. A bare word is likely a typo: a host
 * on your network needs a port, or a URL.
 * @param words what it must be, for the message
 * @param fits what else it must fulfil
 * @throws TetherError `INVALID_OPTION`
 */
export function endpointUrl(endpoint: unknown, words: string, fits = (_url: URL) => true): URL {
  const text = typeof endpoint === 'string' ? endpoint : ''
  const isUrl = text.includes('://')
  const full = isUrl ? text : `wss://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const isEndpoint = url && /^wss?:$/.test(url.protocol) && (isUrl || /[.:]/.test(url.host)) && fits(url)
  mustBe(words, typeof endpoint === 'string' && isEndpoint === true, 'endpoint', endpoint)
  return url!
}

/** The region that this function runs in: Lambda sets it. */
export function functionRegion(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.AWS_REGION ?? 'us-east-1'
}

function factsOf(region: string) {
  return PARTITIONS.find(([start]) => region.startsWith(start))!
}
