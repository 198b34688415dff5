import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { type AcceptanceSettings, SETTINGS_VARIABLE } from '../settings.js'
import { accept } from './accept.js'

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

async function runTests(settings: AcceptanceSettings): Promise<boolean> {
  // Ctrl+C reaches the tests as well; what they leave is removed here.
  process.on('SIGINT', () => {})
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose']
  const tests = spawn(process.execPath, [...vitest, 'test/aws/acceptance/acceptance.test.ts'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [SETTINGS_VARIABLE]: JSON.stringify(settings) },
  })
  const [code] = (await once(tests, 'exit')) as [number | null]
  return code === 0
}

try {
  process.exitCode = await accept(process.argv.slice(2), {
    env: process.env,
    ask: process.stdin.isTTY ? ask : undefined,
    print: (text) => process.stdout.write(text),
    runTests,
  })
} catch (error) {
  // Such as AWS's own words about credentials and rights.
  const { name, message } = error as Error
  process.stderr.write(`${name}: ${message}\n`)
  process.exitCode = 1
}
