import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsup = ['node_modules/tsup/dist/cli-default.js', '--config', 'tsup.run.config.ts', '--silent']

/** Builds dist/run once before the tests: threads, processes and stubs run from there, never from the sources. */
export default async function buildRunFiles(): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, tsup, { cwd: root })
  } catch (error) {
    throw new Error(`The files under dist/run could not be built:\n${(error as { stderr?: string }).stderr}`)
  }
}
