import type { RecordedLog } from '../record.js'
import { Redaction, type RedactionRules } from './redaction.js'

const JSON_LINE = /^\s*\{/
const LINE_BREAK = /\n/g

/**
 * Redacts lines of output. Lines that are not JSON are first redacted together: a PEM key, a part of a form or a
 * printed object spans several lines.
 */
export function redactLogs(
  logs: readonly RecordedLog[],
  redaction: Redaction,
  rules: RedactionRules,
): readonly RecordedLog[] {
  const texts = logs.length > 1 ? redactTogether(logs, redaction, rules) : logs.map(({ text }) => text)
  return logs.map((log, index) => {
    const text = redaction.text(texts[index]!, 'logs', index, 'text')
    if (text === log.text) return log
    redaction.note('logs', index, 'text')
    return { ...log, text }
  })
}

function redactTogether(
  logs: readonly RecordedLog[],
  redaction: Redaction,
  rules: RedactionRules,
): readonly string[] {
  const isAlone = ({ text }: RecordedLog) => JSON_LINE.test(text)
  const together = logs.map((log) => (isAlone(log) ? '' : log.text)).join('\n')
  // Keeps the number of lines: each mark has as many line breaks as its secret.
  const mark = (secret: string) => rules.mark(secret) + '\n'.repeat(lineBreaks(secret))
  const ofAll = new Redaction({ ...rules, mark })
  const parts = ofAll.text(together).split('\n')
  for (const secret of ofAll.found) redaction.found.add(secret)
  let from = 0
  return logs.map((log) => {
    if (isAlone(log)) {
      from++
      return log.text
    }
    const to = from + lineBreaks(log.text) + 1
    const text = parts.slice(from, to).join('\n')
    from = to
    return text
  })
}

function lineBreaks(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0
}
