import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { invokeCommand } from '../../../src/inspector/page/detail/invoke-command.js'
import { headOf } from './page-host.js'

/** The arguments that a shell makes of a command. */
function argumentsOf(event: unknown): string[] {
  const command = invokeCommand({ head: headOf('a'), context: { functionName: 'shop' }, event })
  expect(command).toMatch(/^aws lambda invoke /)
  const script = `printf '%s\\0' ${command.slice('aws '.length)}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

describe('the command that invokes the function', () => {
  it.each([
    ["it's $HOME `id` $(id) \\ ! \"'"],
    ['\u009b31m\u202e\u200b\u2028 é 漢 🎉'],
    [{ '$(id)': ["'; id #", '\n\u001b[2J'] }],
    ['file:///etc/passwd'],
    [null],
  ])('contains the same event: %j', (event) => {
    const all = argumentsOf(event)
    const payload = all[all.indexOf('--payload') + 1]!
    expect(JSON.parse(payload)).toEqual(event)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(payload).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  })

  it('names the file of an event that is too large for an argument', () => {
    expect(argumentsOf({ text: 'é'.repeat(60_000) })).toContain('fileb://event-a.json')
  })
})
