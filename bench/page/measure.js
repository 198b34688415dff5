import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUN = fileURLToPath(new URL('../run.js', import.meta.url))
const TIME_LIMIT_MS = 5 * 60_000
const ERROR_LENGTH = 300

/** Runs one benchmark in a process of its own. Never rejects. @returns `{ result }` or `{ error }`, a text */
export async function measure(benchmark, args) {
  // A group of its own, so that the time limit also ends the brokers and parties that it has started.
  const child = spawn(process.execPath, [RUN, benchmark, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = () => process.kill(-child.pid, 'SIGKILL')
  const interrupt = () => {
    end()
    process.exit(1)
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, TIME_LIMIT_MS)
  try {
    const [output, errors, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    if (late) return { error: `it was not done after ${TIME_LIMIT_MS / 60_000} minutes` }
    if (code !== 0) return { error: reason(errors) ?? `it ended with ${code ?? signal}` }
    return { result: JSON.parse(output.trimEnd().split('\n').at(-1)) }
  } catch (error) {
    return { error: error.message }
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** The line with the thrown error, or the first line; without this machine's folders. */
function reason(errors) {
  const lines = errors.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('(node:'))
  const line = lines.find((line) => /^(\w*Error( \[\w+\])?): /.test(line)) ?? lines[0]
  return line?.replaceAll(ROOT, '').replaceAll(tmpdir(), '…').slice(0, ERROR_LENGTH)
}
