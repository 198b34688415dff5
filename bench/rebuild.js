// The floor of `reload`: the time of esbuild alone to build the same functions again, each as a save of its own.
// Options: --count N (builds of each, default 30).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { context } from 'esbuild'
import { handlers } from './reload/handlers.js'
import { median } from './statistics/quantile.js'

const WARM_UP = 3

export async function run(args) {
  const { values } = parseArgs({ args, options: { count: { type: 'string', default: '30' } } })
  const count = Number(values.count)
  const folder = await mkdtemp(join(tmpdir(), 'bench-rebuild-'))
  try {
    const result = { count }
    for (const [kind, source] of Object.entries(handlers))
      result[kind] = await rebuildMs(join(folder, `${kind}.ts`), source, count)
    return result
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function rebuildMs(entry, source, count) {
  await writeFile(entry, source(0))
  const build = await context({
    entryPoints: [entry],
    outdir: 'out',
    bundle: true,
    write: false,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    sourcemap: 'linked',
  })
  try {
    const times = []
    for (let i = -WARM_UP; i < count; i++) {
      await writeFile(entry, source(i + WARM_UP + 1))
      const startedAt = performance.now()
      await build.rebuild()
      if (i >= 0) times.push(performance.now() - startedAt)
    }
    return Math.round(median(times) * 100) / 100
  } finally {
    await build.dispose()
  }
}
