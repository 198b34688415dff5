/** An element's children by name, an array where a name comes again, or its text. Attributes are left out. */
export type XmlTree = string | { readonly [name: string]: XmlTree | readonly XmlTree[] }

/** Reads a document as AWS's services answer it: elements hold text or elements, not both. */
export function xmlTree(xml: string): Readonly<Record<string, XmlTree | readonly XmlTree[]>> {
  const tokens = xml.matchAll(/<[?!][^>]*>|<(\/?)([\w:.-]+)[^>]*?(\/?)>|([^<]+)/g)
  const root: Open = { children: new Map(), text: '' }
  const stack = [root]
  for (const [, closing, name, empty, text] of tokens) {
    const top = stack.at(-1)!
    if (text !== undefined) top.text += text
    else if (name === undefined) continue
    else if (closing === '/') {
      stack.pop()
      add(stack.at(-1)!, name, finished(top))
    } else if (empty === '/') add(top, name, '')
    else stack.push({ children: new Map(), text: '' })
  }
  const tree = finished(root)
  return typeof tree === 'string' ? {} : tree
}

interface Open {
  readonly children: Map<string, XmlTree[]>
  text: string
}

function add({ children }: Open, name: string, child: XmlTree): void {
  children.set(name, [...(children.get(name) ?? []), child])
}

function finished({ children, text }: Open): XmlTree {
  if (children.size === 0) return unescaped(text)
  return Object.fromEntries([...children].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]))
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#xD;', '\r')
    .replaceAll('&amp;', '&')
}
