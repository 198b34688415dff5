import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/**
 * Puts Python itself on the PATH, in front of a version manager's script that takes the same name: such a script takes
 * 0.3 s to find it, and tests start Python some hundred times.
 */
export default function pythonFirst(): void {
  const { PATH = '' } = process.env
  const named = PATH.split(delimiter).find((folder) => existsSync(join(folder, 'python3')))
  const { stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' })
  if (named === undefined || !stdout?.trim()) return
  const real = dirname(stdout.trim())
  if (real !== named) process.env.PATH = real + delimiter + PATH
}
