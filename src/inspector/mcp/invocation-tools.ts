import type { InvocationRecord } from '../../recorder/record.js'
import type { RecordData } from '../../recorder/record-data.js'
import { detailOf, type InvocationDetail } from '../api/detail.js'
import { listInvocations } from '../api/list.js'
import type { InspectorParts } from '../api/parts.js'
import { HttpProblem } from '../server/http-problem.js'
import { cursorOf, numberOfCursor } from '../view/cursor.js'
import { numberArgument, requiredText, textArgument } from './arguments.js'
import { bounded, mergePatch, pointed } from './bounds.js'
import { type AgentTool, READ_ONLY } from './tool.js'
import { waitForInvocation } from './wait.js'

// Hosts of agents give up after a minute.
const LONGEST_WAIT_MS = 55_000
const DEFAULT_WAIT_MS = 30_000
const MOST_LISTED = 50
const DEFAULT_BYTES = 4_000
const MOST_BYTES = 20_000
const MOST_POINTERS = 50

export const ID = { type: 'string', description: 'of the invocation' }
const OUTCOME = { type: 'string', enum: ['value', 'error', 'declined'] }
const PARTS = ['event', 'outcome', 'stream', 'logs', 'timing', 'context'] as const

const wait: AgentTool = {
  name: 'wait_for_invocation',
  title: 'Wait for an invocation',
  description:
    'Waits until an invocation that fits has ended, and takes nothing from who answers it. Pass the cursor of `status` or of an earlier call as `since`, or it waits for one that arrives from now on. With timedOut, call it again with the cursor.',
  properties: {
    functionId: { type: 'string' },
    outcome: OUTCOME,
    title: {
      type: 'string',
      description: 'a part of method and path, or of the name of what sent the event',
    },
    since: { type: 'string' },
    timeoutMs: { type: 'integer', minimum: 1, maximum: LONGEST_WAIT_MS },
  },
  annotations: READ_ONLY,
  untrusted: true,
  async run({ parts, clock, args, signal }) {
    const { feed, heads } = parts
    const functionId = textArgument(args, 'functionId')
    const outcome = textArgument(args, 'outcome')
    const title = textArgument(args, 'title')
    const since = textArgument(args, 'since')
    // With a cursor of an earlier start, all invocations of this start are new.
    const after = since === undefined ? feed.last : (numberOfCursor(feed.start, since) ?? 0)
    const fits = (record: InvocationRecord) =>
      (functionId === undefined || record.functionId === functionId) &&
      (outcome === undefined || record.outcome?.kind === outcome) &&
      (title === undefined || heads.of(record).title.includes(title))
    const timeoutMs = numberArgument(args, 'timeoutMs', DEFAULT_WAIT_MS, LONGEST_WAIT_MS)
    const found = await waitForInvocation({ feed, clock, after, timeoutMs, signal, fits })
    if (found !== undefined)
      return {
        invocation: heads.of(found),
        cursor: cursorOf(feed.start, feed.numberOf(found.id) ?? feed.last),
      }
    const { connection, functions, displaced } = parts.status()
    const hint =
      'Nothing that fits has ended. Trigger the deployed function; if it is not live, nothing arrives: see read_docs going-live.'
    return {
      timedOut: true,
      cursor: cursorOf(feed.start, after),
      connection,
      displaced,
      functions: functions.map(({ functionId }) => functionId),
      hint,
    }
  },
}

const list: AgentTool = {
  name: 'list_invocations',
  title: 'List invocations',
  description: 'Invocations, newest first. `cursor` goes on with older ones.',
  properties: {
    functionId: { type: 'string' },
    outcome: { ...OUTCOME, enum: ['running', ...OUTCOME.enum] },
    limit: { type: 'integer', minimum: 1, maximum: MOST_LISTED },
    cursor: { type: 'string' },
  },
  annotations: READ_ONLY,
  untrusted: true,
  run({ parts, args }) {
    const before = numberOfCursor(parts.feed.start, textArgument(args, 'cursor'))
    const limit = numberArgument(args, 'limit', 20, MOST_LISTED)
    const outcome = textArgument(args, 'outcome') as 'value' | undefined
    return listInvocations(parts, {
      limit,
      before,
      outcome,
      functionId: textArgument(args, 'functionId'),
    })
  },
}

const get: AgentTool = {
  name: 'get_invocation',
  title: 'Look at an invocation',
  description:
    'Event, outcome (with the stack of a failure), stream (so far, where the response still streams), logs, timing and context of an invocation. Secrets are masked. What is longer than maxBytes is cut: a JSON pointer into a part gets the rest.',
  properties: {
    id: ID,
    parts: { type: 'array', items: { type: 'string', enum: PARTS } },
    pointer: { type: 'string', description: 'a JSON pointer into each part, such as /body' },
    maxBytes: {
      type: 'integer',
      minimum: 100,
      maximum: MOST_BYTES,
      description: `of each part, ${DEFAULT_BYTES} by default`,
    },
  },
  required: ['id'],
  annotations: READ_ONLY,
  untrusted: true,
  run({ parts, args }) {
    const detail = detailFor(parts, requiredText(args, 'id'))
    const wanted = Array.isArray(args.parts) ? args.parts : ['event', 'outcome', 'stream', 'logs']
    const maxBytes = numberArgument(args, 'maxBytes', DEFAULT_BYTES, MOST_BYTES)
    const pointer = textArgument(args, 'pointer') ?? ''
    const has = (part: (typeof PARTS)[number]) => part !== 'stream' || detail.stream !== undefined
    const shown = PARTS.filter((part) => wanted.includes(part) && has(part)).map((part) => {
      const whole = part === 'event' ? (detail.event ?? detail.eventBase64) : detail[part]
      return [part, bounded(pointed(whole, pointer), maxBytes)]
    })
    return {
      head: detail.head,
      ...Object.fromEntries(shown),
      masked: detail.eventPointers.slice(0, MOST_POINTERS).map((one) => `/event${one}`),
    }
  },
}

const replay: AgentTool = {
  name: 'replay_invocation',
  title: 'Run an invocation again',
  description:
    'Runs the local code again with a recorded event, or with the event that a JSON merge patch (RFC 7396) makes of it, and says what differs from the recorded outcome. Whatever the code does (payments, mails), it does again. `remote` invokes the deployed function, where the host allows it.',
  properties: { id: ID, patch: { type: 'object' }, as: { type: 'string', enum: ['local', 'remote'] } },
  required: ['id'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  untrusted: true,
  async run({ parts, args }) {
    const { feed, redactor } = parts
    const record = recordFor(feed, requiredText(args, 'id'))
    const patched =
      args.patch === undefined ? {} : { event: mergePatch(patchable(redactor.masked(record)), args.patch) }
    const { id, outcome, diff } = await parts.replay(record, { as: args.as ?? 'local', ...patched })
    return {
      ...(id !== undefined && { id, logs: bounded(detailFor(parts, id).logs, DEFAULT_BYTES) }),
      outcome: bounded(outcome, DEFAULT_BYTES),
      ...(diff && { equal: diff.equal, diff: diff.text.slice(0, DEFAULT_BYTES) }),
    }
  },
}

export const INVOCATION_TOOLS: readonly AgentTool[] = [wait, list, get, replay]

function detailFor(parts: InspectorParts, id: string): InvocationDetail {
  return detailOf(recordFor(parts.feed, id), parts, false)
}

/** @throws HttpProblem for an unknown id */
export function recordFor(feed: InspectorParts['feed'], id: string): InvocationRecord {
  const record = feed.get(id)
  if (record !== undefined) return record
  throw new HttpProblem('NOT_FOUND', `There is no invocation '${id}': see list_invocations.`)
}

/** @throws HttpProblem if the event is hidden or not JSON: a patch would replace all of it */
function patchable(data: RecordData | undefined): unknown {
  if (data !== undefined && 'event' in data) return data.event
  throw new HttpProblem('BAD_REQUEST', 'This event takes no patch: the host leaves it out, or it is no JSON.')
}
