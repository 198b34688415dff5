/**
 * What an option names as an endpoint: a URL as it stands, or a host, which `wss://` is for. Undefined where it is neither: a
 * word alone is no host of AWS's, and whoever means a machine of the own network writes its port, or a URL.
 */
export function endpointUrl(endpoint: unknown): URL | undefined {
  if (typeof endpoint !== 'string') return undefined
  const isUrl = endpoint.includes('://')
  const text = isUrl ? endpoint : `wss://${endpoint}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.hostname === '') return undefined
  return isUrl || /[.:]/.test(url.host) ? url : undefined
}
