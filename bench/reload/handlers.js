/** Each version answers with its number and the time of its evaluation, in Unix milliseconds. */
const answering = (version) => `
const evaluatedAt = Date.now()
export const handler = async (event: { name?: string }) => ({ version: ${version}, evaluatedAt })
`

/** The handlers to save, by case: the TypeScript of a version. */
export const handlers = {
  small: answering,
  // Functions that do something and differ, not one repeated text: a parser and a printer have to read all of it.
  functions50kb: (version) => `${functions()}\n${answering(version)}`,
  zod: (version) => `import { z } from 'zod'
const Order = z.object({ id: z.string(), lines: z.array(z.object({ sku: z.string(), count: z.number().int() })) })
export const check = (value: unknown) => Order.parse(value)
${answering(version)}`,
  workspace: (version) => `import { linked } from '${LINKED}'
import { z } from 'zod'
export const check = (value: unknown) => linked && z.string().parse(value)
${answering(version)}`,
  packages20: (version) => `${names.map((name, i) => `import p${i} from '${name}'`).join('\n')}
export const all = [${names.map((_, i) => `p${i}`).join(', ')}]
${answering(version)}`,
}

const LINKED = '@bench/linked'
const names = Array.from({ length: 20 }, (_, i) => `package-${i}`)

/** The files of the project around a handler, by path: twenty packages, and one to link. */
export const projectFiles = {
  'package.json': '{ "name": "bench" }',
  'linked/package.json': JSON.stringify({ name: LINKED, version: '1.0.0', main: 'index.js' }),
  'linked/index.js': 'exports.linked = true',
  ...Object.fromEntries(
    names.flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
      [`node_modules/${name}/index.js`, `module.exports = { name: '${name}' }`],
    ]),
  ),
}
/** Packages to link into the project's `node_modules`, by name. */
export const projectLinks = { [LINKED]: 'linked' }

const BYTES = 50 * 1024

function functions() {
  const parts = []
  for (let i = 0, bytes = 0; bytes < BYTES; i++) {
    const part = `
/** Totals the lines of group ${i}, and says which of them are over the limit. */
export function total${i}(lines: { sku: string; count: number; price: number }[], limit = ${i * 10}): { sum: number; over: string[] } {
  const over: string[] = []
  let sum = 0
  for (const { sku, count, price } of lines) {
    if (!Number.isInteger(count) || count < 0) throw new RangeError(\`\${sku} has a count of \${count}\`)
    const amount = count * price * ${(1 + i / 100).toFixed(2)}
    if (amount > limit) over.push(sku.toUpperCase().padEnd(${4 + (i % 9)}, '-'))
    sum += amount
  }
  return { sum: Math.round(sum * 100) / 100, over }
}
`
    parts.push(part)
    bytes += part.length
  }
  return parts.join('')
}
