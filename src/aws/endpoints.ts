import { type Check, mustBe } from '../core/base/options.js'

/** For each partition: the prefix of its regions, its name in ARNs, and the domain of its services. */
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

/** Returns the partition of a region; `aws` for a region without another partition's prefix. */
export function partitionOf(region: string): string {
  return factsOf(region)[1]
}

/** Returns the host of a service, such as `dynamodb.eu-west-1.amazonaws.com`. */
export function serviceHost(service: string, region: string): string {
  return `${service}.${region}.${factsOf(region)[2]}`
}

/**
 * Returns the region in the URL of an AWS service, such as `wss://abc-ats.iot.eu-west-1.amazonaws.com`; undefined for
 * any other URL. Partitions differ only behind the region, so a stub needs no table of them.
 */
export function endpointRegion(url: string | URL, service: string): string | undefined {
  return new RegExp(`\\.${service}\\.([a-z]+(?:-[a-z]+)+-\\d+)\\.`).exec(new URL(url).hostname)?.[1]
}

/**
 * Parses the option `endpoint`: a ws:// or wss:// URL, or a host to prefix with wss://. A bare word is likely a typo: a
 * host on your network needs a port, or a URL.
 * @param words the requirement, for the message
 * @param fits a further condition on the URL
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

/** Returns the region that this function runs in, from the variable that Lambda sets. */
export function functionRegion(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.AWS_REGION ?? 'us-east-1'
}

function factsOf(region: string) {
  return PARTITIONS.find(([start]) => region.startsWith(start))!
}
