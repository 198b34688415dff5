// The figures that the page is written from: one line of JSON for each run of a benchmark, `{ id, at, commit, result }`, or
// `error` in the place of `result`.
import { readFile, writeFile } from 'node:fs/promises'

/** The last figures, by id; empty without any. */
export async function readFigures(path) {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => JSON.parse(line)).map((figure) => [figure.id, figure]))
}

export async function writeFigures(path, figures) {
  await writeFile(path, [...figures.values()].map((figure) => `${JSON.stringify(figure)}\n`).join(''))
}
