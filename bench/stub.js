// What a cold start pays for the IoT stub: its size, and the time to load it in a fresh process next to an empty one.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { generateKey } from 'lambda-tether'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { median } from './statistics/quantile.js'

const ROUNDS = 25
const exec = promisify(execFile)

export async function run() {
  const { path, bytes } = stubBundle('iot')
  const folder = await mkdtemp(join(tmpdir(), 'bench-stub-'))
  try {
    const empty = join(folder, 'empty.cjs')
    await writeFile(empty, '')
    const endpoint = 'example-ats.iot.us-east-1.amazonaws.com'
    const env = {
      ...stubEnvironment({ app: 'a', stage: 'b', key: generateKey(), endpoint }),
      PATH: process.env.PATH,
    }
    const load = []
    const emptyLoad = []
    for (let i = 0; i < ROUNDS; i++) {
      load.push(await startMs(path, env))
      emptyLoad.push(await startMs(empty, env))
    }
    return {
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
