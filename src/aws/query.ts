/** Percent-encodes by RFC 3986, as signatures require. encodeURIComponent leaves five characters that AWS encodes. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Percent-encodes the names and values of a query. */
export function encodeQuery(pairs: readonly (readonly [name: string, value: string])[]): string {
  return pairs.map((pair) => pair.map(percentEncode).join('=')).join('&')
}

/** Sorts a query of {@link encodeQuery} by names, then by values, the order for signing. */
export function sortQuery(query: string): string {
  // A blank replaces '=' while sorting: '=' would sort 'a-b=1' before 'a=1'.
  return query.replaceAll('=', ' ').split('&').sort().join('&').replaceAll(' ', '=')
}

/** Returns the decoded names and values of a query; undefined if the query is not percent-encoded UTF-8. */
export function parseQuery(text: string): [name: string, value: string][] | undefined {
  try {
    return text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const [name = '', value = ''] = splitOnce(part, '=')
        return [decodeURIComponent(name), decodeURIComponent(value)]
      })
  } catch {
    return undefined
  }
}

/** Splits at the first separator. */
export function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
