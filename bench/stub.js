// The cost of a prebuilt stub at a cold start: its size, and the time to load it in a fresh process next to an empty
// one, in turns. Options: --transport NAME (default iot), --count N (loads of each, default 25).
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { generateKey } from 'lambda-tether'
import { stubBundle } from 'lambda-tether/stub'
import { carrierOf } from './carriers/index.js'
import { stubSettings } from './invocation/stub-settings.js'
import { median } from './statistics/quantile.js'

const exec = promisify(execFile)

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { transport: { type: 'string', default: 'iot' }, count: { type: 'string', default: '25' } },
  })
  const { transport } = values
  const { bundle, stubOptions, url } = carrierOf(transport, { brokered: true })
  const { path, bytes } = stubBundle(bundle)
  const folder = await mkdtemp(join(tmpdir(), 'bench-stub-'))
  try {
    const empty = join(folder, 'empty.cjs')
    await writeFile(empty, '')
    // Loading connects to nothing.
    const broker = stubOptions(url(1, { path: '/stage' }))
    const env = {
      ...stubSettings({ app: 'bench', stage: 'dev', functionId: 'echo', key: generateKey(), ...broker }),
      PATH: process.env.PATH,
    }
    const load = []
    const emptyLoad = []
    for (let i = 0; i < Number(values.count); i++) {
      load.push(await startMs(path, env))
      emptyLoad.push(await startMs(empty, env))
    }
    return {
      transport,
      bytes: bytes.length,
      gzipBytes: gzipSync(bytes).length,
      loadMs: round(median(load)),
      emptyLoadMs: round(median(emptyLoad)),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

// From the start of the process until the file is loaded.
async function startMs(path, env) {
  const script = `require(${JSON.stringify(path)}); console.log(performance.now()); process.exit()`
  const { stdout } = await exec(process.execPath, ['-e', script], { env })
  return Number(stdout)
}

const round = (ms) => Math.round(ms * 100) / 100
