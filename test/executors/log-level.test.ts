import { expect, test } from 'vitest'
import { levelOf } from '../../src/executors/output/log-level.js'

test.each([
  ['{"timestamp":"2026-11-21T00:00:00Z","level":"INFO","message":"as Lambda’s JSON format has it"}', 'info'],
  ['{"level":30,"msg":"pino"}', 'info'],
  ['{"level":"warning","location":"handler:7"}', 'warn'],
  ['{"level":"CRITICAL"}', 'fatal'],
  ['{ "level" : "Error" }', 'error'],
])('%s', (line, level) => {
  expect(levelOf(line)).toBe(level)
})

test.each([
  'plain text with "level"',
  '{"message":{"level":"INFO"}}',
  '{"level":"loud"}',
  '{"level":"toString"}',
  '{"level":31}',
  '{"level":null}',
  '{"level":"INFO"',
  `{"level":"INFO","data":"${'x'.repeat(300_000)}"}`,
])('no level: %.40s', (line) => {
  expect(levelOf(line)).toBeUndefined()
})
