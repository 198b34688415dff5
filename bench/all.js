// Runs every benchmark and writes docs/benchmarks.md and its plots from their output. Exits non-zero if a benchmark
// failed; the page then names it. Options: --only NAME,NAME (only these; the others keep their last figures), --page
// (none; writes the page again from the last figures), --quick (with counts too small for real figures, to try the
// command), --folder PATH (in place of docs).
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { names } from './carriers/index.js'
import { readFigures, writeFigures } from './page/figures.js'
import { commit, machine } from './page/machine.js'
import { measure } from './page/measure.js'
import { sections } from './page/sections/index.js'
import { idOf, writePage } from './page/write.js'

const DOCS = fileURLToPath(new URL('../docs', import.meta.url))

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      page: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      folder: { type: 'string', default: DOCS },
    },
  })
  const startedAt = performance.now()
  const subjects = { quick: values.quick, transports: names(), brokered: names({ brokered: true }) }
  const chosen = values.page ? [] : choose(values.only?.split(','))
  const folder = resolve(values.folder)
  const path = join(folder, 'benchmarks', 'figures.jsonl')
  const figures = await readFigures(path)
  const facts = { at: new Date().toISOString(), commit: commit() }
  if (values.page) await writePage(folder, figures, { ...subjects, quick: false })
  else figures.set('machine', { id: 'machine', ...facts, result: machine() })

  const failed = []
  for (const section of chosen) {
    for (const run of section.runs(subjects)) {
      const id = idOf(section, run)
      const began = performance.now()
      const outcome = await measure(run.benchmark ?? section.benchmark, run.args)
      figures.set(id, { id, ...facts, ...outcome })
      if (outcome.error !== undefined) failed.push(id)
      console.error(`${id}: ${outcome.error ?? 'done'} (${seconds(began)} s)`)
    }
    // After each run, so that its figures are kept if the next is interrupted.
    await writePage(folder, figures, subjects)
    await writeFigures(path, figures)
  }
  if (failed.length > 0) process.exitCode = 1
  return { page: join(folder, 'benchmarks.md'), failed, seconds: seconds(startedAt) }
}

function choose(only) {
  const names = sections.map(({ benchmark }) => benchmark)
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`No part is named '${unknown}'; there are ${names.join(', ')}.`)
  return sections.filter(({ benchmark }) => only?.includes(benchmark) ?? true)
}

const seconds = (since) => Math.round((performance.now() - since) / 1000)
