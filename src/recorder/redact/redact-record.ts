import type { LambdaError } from '../../core/base/errors.js'
import type { InvocationContext } from '../../core/contracts/handler.js'
import { parseBody } from '../body.js'
import type { InvocationRecord, RecordedLog } from '../record.js'
import { triggerOf } from '../trigger.js'
import { decoded } from './encoded.js'
import { KnownSecrets } from './known-secrets.js'
import { redactLogs } from './redact-logs.js'
import { Redaction, type RedactionRules } from './redaction.js'

/** A body that may leave memory: JSON, or base64 of anything else. */
export interface RedactedBody {
  readonly value?: unknown
  readonly base64?: string
  /** `value` as JSON; the original text if nothing in it is secret. */
  readonly text?: string
}

/** The parts of a record that may leave memory. */
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

/**
 * Redacts every part of a record that comes from users or triggers. A secret found by its name or shape is also
 * redacted where it occurs without either, such as a token in a log.
 */
export function redactRecord(record: InvocationRecord, rules: RedactionRules): RedactedParts {
  const redaction = new Redaction(rules)
  const parts = redactParts(record, redaction, rules)
  if (redaction.found.size === 0) return parts
  const found = new KnownSecrets(redaction.found)
  if (![...redaction.decoded, ...textsOf(parts)].some((text) => found.mayBeIn(text))) return parts
  const all = { ...rules, known: rules.known.with(redaction.found) }
  return redactParts(record, new Redaction(all), all)
}

function* textsOf({ event, outcome, logs, context }: RedactedParts): Iterable<string> {
  if (event.text !== undefined) yield event.text
  if (outcome?.kind === 'error') yield JSON.stringify(outcome.error)
  else if (outcome?.kind === 'value' && outcome.body.text !== undefined) yield outcome.body.text
  for (const { text } of logs) yield text
  if (context.clientContext !== undefined) yield JSON.stringify(context.clientContext)
}

function redactParts(record: InvocationRecord, redaction: Redaction, rules: RedactionRules): RedactedParts {
  const { outcome, context } = record
  const parsed = parseBody(record.eventBytes)
  const event = body(redaction, record.eventBytes, parsed, 'event')
  const { clientContext, identity } = context
  return {
    trigger: parsed === undefined ? record.trigger : triggerOf(parsed.value),
    context:
      clientContext === undefined && identity === undefined
        ? context
        : (redaction.value(context, undefined, 'context') as InvocationContext),
    event,
    ...(outcome && {
      outcome:
        outcome.kind === 'value'
          ? {
              kind: 'value',
              body: body(redaction, outcome.body, parseBody(outcome.body), 'outcome', 'value'),
            }
          : outcome.kind === 'error'
            ? {
                kind: 'error',
                error: redaction.value(outcome.error, undefined, 'outcome', 'error') as LambdaError,
              }
            : outcome,
    }),
    logs: redactLogs(record.logs, redaction, rules),
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
    const result = redaction.text(text, ...path)
    redaction.decoded.push(result)
    return { base64: Buffer.from(result, charset).toString('base64') }
  }
  const value = redaction.value(parsed.value, parsed.text, ...path)
  return { value, text: value === parsed.value ? parsed.text : JSON.stringify(value) }
}
