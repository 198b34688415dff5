import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { profileFlags } from './flags.js'
import { report } from './report.js'
import { sourceFinder } from './sources.js'
import { timesOf } from './times.js'

const RUN = fileURLToPath(new URL('../run.js', import.meta.url))
/** The process that the benchmark itself runs in. */
const BENCHMARK = 'benchmark'

/**
 * Runs a benchmark and leaves CPU profiles of it and of all its processes in `folder`, by their parts; then prints to
 * stderr where the time of each part went. Sets the exit code.
 * @throws if the folder is not empty
 */
export async function profiled(name, args, folder) {
  const profiles = resolve(folder)
  await mkdir(profiles, { recursive: true })
  if ((await readdir(profiles)).length > 0) throw new Error(`The folder ${folder} is not empty.`)
  // Before it runs: the sources may change meanwhile.
  const sourceOf = sourceFinder()
  const child = spawn(process.execPath, [...profileFlags(BENCHMARK, profiles), RUN, name, ...args], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_CPU_PROF: profiles },
  })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
  for (const times of await timesOf(profiles, sourceOf)) console.error(report(times))
}
