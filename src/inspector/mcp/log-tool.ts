import { Turns } from '../view/turns.js'
import { numberArgument, textArgument } from './arguments.js'
import { ID, recordFor } from './invocation-tools.js'
import { type AgentTool, READ_ONLY } from './tool.js'

const MOST_LINES = 200
const LINE_CHARACTERS = 1_000
/** Limits the lines of one answer together. */
const MOST_CHARACTERS = 20_000
/** Text of lines to redact before the session gets its turn. */
const TURN_BYTES = 256 * 1024

export const LOG_TOOL: AgentTool = {
  name: 'get_logs',
  title: 'Read what functions printed',
  description:
    'Lines of output, the latest last, of one invocation or of the latest of a function. Secrets are masked. `truncated` counts earlier lines for which there was no room: ask for fewer by `level` or `text`.',
  properties: {
    id: ID,
    functionId: { type: 'string' },
    level: { type: 'string', enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] },
    text: { type: 'string', description: 'only lines with this text' },
    limit: { type: 'integer', minimum: 1, maximum: MOST_LINES },
  },
  annotations: READ_ONLY,
  untrusted: true,
  async run({ parts: { feed, redactor }, args }) {
    const id = textArgument(args, 'id')
    const functionId = textArgument(args, 'functionId')
    const level = textArgument(args, 'level')
    const text = textArgument(args, 'text')
    const limit = numberArgument(args, 'limit', 50, MOST_LINES)
    const lines: Line[] = []
    const turns = new Turns(TURN_BYTES)
    const records = id === undefined ? [...feed.newest()].map(({ record }) => record) : [recordFor(feed, id)]
    for (const record of records) {
      if (lines.length >= limit) break
      if ((functionId !== undefined && record.functionId !== functionId) || record.logs.length === 0) continue
      const found = redactor
        .lines(record)
        .filter(
          (line) =>
            (level === undefined || line.level === level) && (text === undefined || line.text.includes(text)),
        )
        .map((line) => ({
          id: record.id,
          functionId: record.functionId,
          stream: line.stream,
          level: line.level,
          text: line.text.slice(0, LINE_CHARACTERS),
        }))
      await turns.after(record.logs.reduce((bytes, line) => bytes + line.text.length, 0))
      lines.unshift(...found.slice(-(limit - lines.length)))
    }
    const room = latest(lines, MOST_CHARACTERS)
    return { lines: room, ...(room.length < lines.length && { truncated: lines.length - room.length }) }
  },
}

interface Line {
  readonly text: string
}

/** Returns the last lines that fit. */
function latest(lines: readonly Line[], maxCharacters: number): readonly Line[] {
  let left = maxCharacters
  let from = lines.length
  while (from > 0 && lines[from - 1]!.text.length <= left) left -= lines[--from]!.text.length
  return lines.slice(from)
}
