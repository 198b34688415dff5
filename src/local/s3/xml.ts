/** Text as it stands between two tags. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** What is inside each element of that name, tags and all. Not for names that nest in themselves. */
export function elements(xml: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>|<${name}\\s*/>`, 'g')
  return [...xml.matchAll(pattern)].map(([, inside = '']) => inside)
}

/** The text of the first element of that name. */
export function textOf(xml: string, name: string): string | undefined {
  return elements(xml, name)[0]
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}
