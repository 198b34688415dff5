import { posix } from 'node:path'
import ts from 'typescript'

/** The folders of `src` and `src/core`, each with the folders that it imports. */
export type FolderGraph = ReadonlyMap<string, ReadonlySet<string>>

/** Files that only find other files; drawn nowhere. */
const LEFT_OUT = ['src/run-files.ts', 'src/out-of-files.ts']

function folderOf(file: string): string {
  const [, area = '', folder, ...rest] = file.split('/')
  if (folder === undefined) return 'src/*.ts'
  return area === 'core' && rest.length > 0 ? `core/${folder}` : area
}

/** Reads the graph from the imports of every source file, imports of types included. */
export function folderGraph(files: ReadonlyMap<string, string>): FolderGraph {
  const graph = new Map<string, Set<string>>()
  for (const [file, text] of files) {
    if (LEFT_OUT.includes(file)) continue
    const imported = graph.get(folderOf(file)) ?? new Set()
    graph.set(folderOf(file), imported)
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const target = posix.join(posix.dirname(file), fileName).replace(/\.js$/, '.ts')
      if (!files.has(target) || LEFT_OUT.includes(target)) continue
      if (folderOf(target) !== folderOf(file)) imported.add(folderOf(target))
    }
  }
  return graph
}

/** The row of each folder: one above the highest folder that it imports. @throws Error if folders import each other */
export function rowsOf(graph: FolderGraph): Map<string, number> {
  const rows = new Map<string, number>()
  const visit = (folder: string, path: readonly string[]): number => {
    if (path.includes(folder)) throw new Error(`A circle of folders: ${[...path, folder].join(' → ')}`)
    const known = rows.get(folder)
    if (known !== undefined) return known
    const below = [...(graph.get(folder) ?? [])].map((imported) => visit(imported, [...path, folder]))
    const row = Math.max(-1, ...below) + 1
    rows.set(folder, row)
    return row
  }
  for (const folder of graph.keys()) visit(folder, [])
  return rows
}

/** The imports that no longer path implies. */
export function reduced(graph: FolderGraph): [from: string, to: string][] {
  const reaches = (from: string, to: string): boolean =>
    [...(graph.get(from) ?? [])].some((next) => next === to || reaches(next, to))
  return [...graph].flatMap(([from, imported]) =>
    [...imported]
      .filter((to) => ![...imported].some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]),
  )
}

const BOX = { width: 106, height: 30 }
const ROW_HEIGHT = 58
const WIDTH = 880

/** Where each folder's box has its centre; `core/base` lies at the bottom. */
function placed(graph: FolderGraph): Map<string, { readonly x: number; readonly y: number }> {
  const rows = rowsOf(graph)
  const edges = reduced(graph)
  const height = Math.max(...rows.values()) + 1
  const byRow = Array.from({ length: height }, (_, row) =>
    [...rows]
      .filter(([, at]) => at === row)
      .map(([folder]) => folder)
      .sort(),
  )
  const x = new Map<string, number>()
  const spread = (folders: readonly string[]) => {
    for (const [i, folder] of folders.entries()) x.set(folder, ((i + 0.5) * WIDTH) / folders.length)
  }
  byRow.forEach(spread)
  // Each row is put in the order of its neighbours' centres, until the order settles.
  const centre = (folder: string) => {
    const near = edges.filter((edge) => edge.includes(folder)).map(([a, b]) => x.get(a === folder ? b : a)!)
    return near.reduce((sum, each) => sum + each, 0) / Math.max(1, near.length)
  }
  for (let round = 0; round < 8; round++) {
    for (const folders of byRow) spread(folders.sort((a, b) => centre(a) - centre(b) || (a < b ? -1 : 1)))
  }
  return new Map(
    [...rows].map(([folder, row]) => [folder, { x: x.get(folder)!, y: (height - row - 0.5) * ROW_HEIGHT }]),
  )
}

const STYLE = `text { font: 13px system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif; fill: #1f2328; text-anchor: middle }
.step { font-size: 11px; font-weight: 600; fill: #ffffff }
.box { fill: #f6f8fa; stroke: #818b98 }
.on-path { fill: #ddf4ff; stroke: #0969da }
.badge { fill: #0969da }
.import { fill: none; stroke: #818b98; stroke-opacity: 0.6 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .box { fill: #151b23; stroke: #656c76 }
  .on-path { fill: #0c2d6b; stroke: #4493f8 }
}`

/**
 * Draws the folders as SVG: a folder lies above all that it imports. A line is an import that no longer path implies.
 * @param steps folders in the order that an invocation passes them, numbered from 1
 */
export function drawLayers(graph: FolderGraph, steps: readonly string[]): string {
  const places = placed(graph)
  const unknown = steps.filter((step) => !places.has(step))
  if (unknown.length > 0) throw new Error(`There are no folders ${unknown.join(', ')}.`)
  const lines = reduced(graph).map(([from, to]) => {
    const a = places.get(from)!
    const b = places.get(to)!
    const [top, bottom] = [a.y + BOX.height / 2, b.y - BOX.height / 2]
    const bend = (bottom - top) / 2
    const points = [a.x, top, a.x, top + bend, b.x, bottom - bend, b.x, bottom].map(Math.round)
    return `<path class="import" d="M${points[0]} ${points[1]}C${points.slice(2).join(' ')}"/>`
  })
  const boxes = [...places].map(([folder, { x, y }]) => {
    const step = steps.indexOf(folder) + 1
    const [left, top] = [x - BOX.width / 2, y - BOX.height / 2].map(Math.round)
    const badge =
      step === 0
        ? ''
        : `<circle class="badge" cx="${left}" cy="${top}" r="9"/><text class="step" x="${left}" y="${top! + 4}">${step}</text>`
    return `<rect class="${step === 0 ? 'box' : 'on-path'}" x="${left}" y="${top}" width="${BOX.width}" height="${BOX.height}" rx="6"/><text x="${Math.round(x)}" y="${Math.round(y) + 5}">${folder}</text>${badge}`
  })
  const height = Math.max(...[...places.values()].map(({ y }) => y)) + ROW_HEIGHT / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>The folders of src, each above the folders that it imports; an invocation passes ${steps.join(', ')}</title>`,
    `<style>\n${STYLE}\n</style>`,
    ...lines,
    ...boxes,
    '</svg>\n',
  ].join('\n')
}
