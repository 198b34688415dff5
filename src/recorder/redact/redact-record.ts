import type { LambdaError } from '../../core/base/errors.js'
import type { InvocationContext } from '../../core/contracts/handler.js'
import { parseBody } from '../body.js'
import type { InvocationRecord, RecordedLog } from '../record.js'
import { triggerOf } from '../trigger.js'
import { decoded } from './encoded.js'
import { Redaction, type RedactionRules } from './redaction.js'

/** A body as it may leave memory: JSON, or base64 of anything else. */
export interface RedactedBody {
  readonly value?: unknown
  readonly base64?: string
  /** The JSON as it came, where nothing in it is secret. */
  readonly text?: string
}

/** A record's parts as they may leave memory. */
export interface RedactedParts {
  readonly trigger: InvocationRecord['trigger']
  readonly context: InvocationContext
  readonly event: RedactedBody
  readonly outcome?:
    | { readonly kind: 'value'; readonly body: RedactedBody }
    | { readonly kind: 'error'; readonly error: LambdaError }
    | { readonly kind: 'declined'; readonly reason: string }
  readonly logs: readonly RecordedLog[]
  readonly redacted: readonly string[]
}

/** Redacts everything of a record that its users or its triggers wrote. */
export function redactRecord(record: InvocationRecord, rules: RedactionRules): RedactedParts {
  const { outcome, context } = record
  const redaction = new Redaction(rules)
  const parsed = parseBody(record.eventBytes)
  const event = body(redaction, record.eventBytes, parsed, 'event')
  const { clientContext, identity } = context
  return {
    trigger: parsed === undefined ? record.trigger : triggerOf(parsed.value),
    context:
      clientContext === undefined && identity === undefined
        ? context
        : (redaction.value(context, 'context') as InvocationContext),
    event,
    ...(outcome && {
      outcome:
        outcome.kind === 'value'
          ? {
              kind: 'value',
              body: body(redaction, outcome.body, parseBody(outcome.body), 'outcome', 'value'),
            }
          : outcome.kind === 'error'
            ? { kind: 'error', error: redaction.value(outcome.error, 'outcome', 'error') as LambdaError }
            : outcome,
    }),
    logs: logs(redaction, record.logs),
    redacted: [...record.redacted, ...redaction.pointers.filter((one) => !record.redacted.includes(one))],
  }
}

function body(
  redaction: Redaction,
  bytes: Uint8Array,
  parsed: { readonly text: string; readonly value: unknown } | undefined,
  ...path: string[]
): RedactedBody {
  if (parsed === undefined) {
    const { text, charset } = decoded(bytes)
    return { base64: Buffer.from(redaction.text(text, ...path), charset).toString('base64') }
  }
  const value = redaction.value(parsed.value, ...path)
  return value === parsed.value ? { value, text: parsed.text } : { value }
}

// A key in PEM comes as a line for each of its lines: they are looked at together.
function logs(redaction: Redaction, lines: readonly RecordedLog[]): readonly RecordedLog[] {
  if (lines.length === 0) return lines
  const whole = lines.map(({ text }) => text)
  const hidden = hidePem(whole)
  return lines.map((line, index) => {
    const text = redaction.text(hidden[index]!, 'logs', index, 'text')
    if (text === hidden[index] && text !== line.text) redaction.note('logs', index, 'text')
    return text === line.text ? line : { ...line, text }
  })
}

const BEGIN = /-----BEGIN [A-Z0-9 ]{1,60}-----/
const END = /-----END [A-Z0-9 ]{1,60}-----/

function hidePem(texts: readonly string[]): readonly string[] {
  let inside = false
  return texts.map((text) => {
    const begins = BEGIN.test(text)
    if (inside) {
      if (END.test(text)) inside = false
      return '[redacted]'
    }
    if (begins && !END.test(text)) inside = true
    return text
  })
}
