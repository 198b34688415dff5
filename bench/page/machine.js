import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = ['mqtt', 'ws', 'aedes', 'esbuild']

/** The facts besides the code on which the figures depend. */
export function machine() {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model ?? 'unknown',
    cpus: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${arch()}`,
    load: Math.round(loadavg()[0] * 10) / 10,
    versions: { node: process.versions.node, ...mosquitto(), ...packages() },
  }
}

/** The commit that is checked out, and whether files other than this command's output differ from it. */
export function commit() {
  try {
    const git = (...args) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim()
    const changed =
      git('status', '--porcelain', '--', '.', ':!docs/benchmarks', ':!docs/benchmarks.md') !== ''
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '')
  } catch {
    return 'unknown'
  }
}

function mosquitto() {
  const { stdout } = spawnSync('mosquitto', ['-h'], { encoding: 'utf8' })
  const version = /version (\S+)/.exec(stdout ?? '')?.[1]
  return version === undefined ? {} : { mosquitto: version }
}

const packages = () => Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)]))

// Not by `require`: not every package exports its package.json.
function versionOf(name) {
  return JSON.parse(readFileSync(`${ROOT}/node_modules/${name}/package.json`, 'utf8')).version
}
