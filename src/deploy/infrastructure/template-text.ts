import type { Document, Node } from 'yaml'
import { TetherError } from '../../core/base/errors.js'
import { isObject } from '../../core/base/options.js'
import type { InfrastructureTemplate } from './diff.js'

type Yaml = typeof import('yaml')

/**
 * Reads a template in JSON or YAML.
 * @throws TetherError `MISSING_DEPENDENCY` (yaml); an Error with `line` for an invalid template
 */
export async function parseTemplate(text: string): Promise<InfrastructureTemplate> {
  const value: unknown = text.trimStart().startsWith('{') ? await parseJson(text) : await parseYaml(text)
  if (isObject(value)) return value as InfrastructureTemplate
  throw new Error('This is no template: it has no object at its top.')
}

async function parseJson(text: string): Promise<unknown> {
  try {
    return JSON.parse(text)
  } catch (error) {
    // JSON is YAML, and the YAML parser reports the line. It accepts some invalid JSON, which leaves the error without
    // a line.
    await parseYaml(text).catch(({ line }: { line?: number }) => Object.assign(error as Error, { line }))
    throw error
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const yaml = await loadYaml()
  const lineCounter = new yaml.LineCounter()
  // Short forms such as `!Ref` are unknown tags to YAML, which would warn about each.
  const document = yaml.parseDocument(text, { lineCounter, logLevel: 'error' })
  const [first] = document.errors
  if (first === undefined) return plain(document.contents, document, yaml)
  const [line = ''] = first.message.split('\n')
  throw Object.assign(new Error(line), { line: lineCounter.linePos(first.pos[0]).line })
}

function plain(node: unknown, document: Document, yaml: Yaml): unknown {
  if (yaml.isAlias(node)) return plain(node.resolve(document), document, yaml)
  if (!yaml.isNode(node)) return node
  return intrinsic(node.tag, untagged(node, document, yaml))
}

function untagged(node: Node, document: Document, yaml: Yaml): unknown {
  if (yaml.isSeq(node)) return node.items.map((item) => plain(item, document, yaml))
  if (!yaml.isMap(node)) return (node as { value?: unknown }).value
  const entries = node.items.map(({ key, value }) => [
    String(plain(key, document, yaml)),
    plain(value, document, yaml),
  ])
  return Object.fromEntries(entries)
}

/** Turns `!Ref` into `{ Ref }` and `!Sub` into `{ 'Fn::Sub' }`. `!GetAtt` has its two parts in one text. */
function intrinsic(tag: string | undefined, value: unknown): unknown {
  const name = /^!(\w+)$/.exec(tag ?? '')?.[1]
  if (name === undefined) return value
  if (name === 'Ref' || name === 'Condition') return { [name]: value }
  if (name !== 'GetAtt' || typeof value !== 'string') return { [`Fn::${name}`]: value }
  const dot = value.indexOf('.')
  return { 'Fn::GetAtt': [value.slice(0, dot), value.slice(dot + 1)] }
}

async function loadYaml(): Promise<Yaml> {
  try {
    return await import('yaml')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      'A template in YAML needs the package yaml. Run: npm install yaml',
      { cause },
    )
  }
}
