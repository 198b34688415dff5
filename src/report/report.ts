import { type TetherError, toLambdaError } from '../core/base/errors.js'
import { checkFlag, checkFunction, withMethods } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import { printable } from '../core/base/printable.js'
import type { SessionEvents, SessionStatus } from '../core/session/events.js'
import type { Invocation } from '../core/session/invocation.js'
import type { Session } from '../core/session/session.js'
import { hasColors } from './colors.js'
import { Lines } from './lines.js'
import { Repeats } from './repeats.js'
import { stackLines } from './stack.js'

/** Options of {@link report}. */
export interface ReportOptions {
  /** Called with each line, without its line break. @default writes to standard output */
  readonly write?: ((line: string) => void) | undefined
  /**
   * Whether lines have ANSI colours.
   * @default false with `write`; otherwise whether standard output shows colours, where the variables `FORCE_COLOR` and
   * `NO_COLOR` decide first
   */
  readonly colors?: boolean | undefined
  /**
   * Returns a text to print after the line of each ended invocation, such as its address on a page: `inspector.link`.
   * @default nothing
   */
  readonly link?: ((invocation: Invocation) => string) | undefined
}

/**
 * Prints a session's events, one line each: answers, failures with their stack, output of local code, reloads, build
 * warnings, declined functions, the state of the connection, and discarded messages. A repeated text is printed only at
 * the 10th, 100th … time. A report only listens and never changes the session; it ends when the session closes. Control
 * characters in data from outside are escaped, so that a terminal does not act on them.
 * @returns a disposable that ends the report
 * @throws TetherError `INVALID_OPTION`
 */
export function report(session: Session, options: ReportOptions = {}): Disposable {
  withMethods('a session', 'on', 'off')('session', session)
  const {
    write,
    colors = write === undefined && hasColors(),
    link,
  } = checkOptions<ReportOptions>('report', options, {
    write: checkFunction,
    colors: checkFlag,
    link: checkFunction,
  })
  const lines = new Lines(write ?? ((line) => void process.stdout.write(`${line}\n`)), colors, link)
  const events = Object.entries(listeners(lines)) as [keyof SessionEvents, () => void][]
  const end = () => {
    for (const [name, listener] of events) session.off(name, listener)
    session.off('close', end)
  }
  for (const [name, listener] of events) session.on(name, listener)
  session.on('close', end)
  return { [Symbol.dispose]: end }
}

function listeners(lines: Lines): Partial<SessionEvents> {
  const repeats = new Repeats()
  return {
    respond(invocation, { body, durationMs }) {
      lines.invocation(
        invocation,
        'good',
        `answered ${body.length} bytes in ${durationMs} ms${marks(invocation)}`,
      )
    },
    fail(invocation, { error, durationMs }) {
      const text = `failed after ${durationMs} ms${marks(invocation)}: ${error.errorType}: ${error.errorMessage}`
      lines.invocation(invocation, 'bad', text, stackLines(error))
    },
    decline: (invocation, { reason }) => lines.invocation(invocation, 'warning', `declined: ${reason}`),
    log: ({ functionId, requestId, text }) => lines.log(functionId, requestId, text),
    reload({ functionId, durationMs, error, warnings }) {
      if (error === undefined) lines.function(functionId, 'good', `reloaded in ${durationMs} ms`)
      else lines.function(functionId, 'bad', placedMessage(error), traceOf(error.details))
      for (const { file, line, text } of warnings) {
        lines.function(functionId, 'warning', `warning: ${placeOf(file, line)}${text}`)
      }
    },
    status(status) {
      if (status.state === 'connected') repeats.forget()
      onStatus(lines, repeats, status)
    },
    displaced: ({ by }) =>
      lines.session(
        'bad',
        `Another session (${printable(by)}) was opened under this name, which this one has lost: it has ended.`,
      ),
    discard({ reason, message }) {
      const again = repeats.next(message)
      if (again !== undefined) lines.session('warning', `discarded (${reason}): ${message}${again}`)
    },
    close: () => lines.session('faint', 'closed'),
  }
}

function onStatus(lines: Lines, repeats: Repeats, status: SessionStatus): void {
  switch (status.state) {
    case 'connecting':
      // Later attempts follow a line that announces them.
      if (status.attempt === 1) lines.session('faint', 'connecting')
      break
    case 'connected':
      lines.session('faint', 'connected')
      break
    case 'disconnected': {
      const { error, retryInMs } = status
      const why = error === undefined ? '' : `: ${error.message}`
      const again = repeats.next(why)
      const retry = `next attempt in ${Math.round(retryInMs)} ms`
      if (again !== undefined) lines.session('bad', `disconnected, ${retry}${again}${why}`)
      break
    }
    case 'store-failed':
    case 'unheard': {
      const { message } = status.error
      const text = status.state === 'unheard' ? message : `payload store: ${message}`
      const again = repeats.next(text)
      if (again !== undefined) lines.session('bad', `${text}${again}`)
      break
    }
    case 'heard':
      lines.session('faint', 'what the session sends to its own name comes back now')
      break
    case 'listener-failed': {
      const { errorType, errorMessage, ...rest } = toLambdaError(status.error)
      const text = `a listener of '${status.event}' failed: ${errorType}: ${errorMessage}`
      const again = repeats.next(text)
      if (again !== undefined) lines.session('bad', `${text}${again}`, again === '' ? stackLines(rest) : [])
      break
    }
    case 'closed':
  }
}

function marks({ mirrored, replayed, rerun }: Invocation): string {
  const marks = [mirrored !== false && 'mirrored', replayed && 'replay', rerun && 'rerun'].filter(Boolean)
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`
}

/** Returns an error's message, behind the place in its details unless the message names the file itself. */
function placedMessage({ message, details: { file, line, column } }: TetherError): string {
  if (typeof file !== 'string' || message.includes(file)) return message
  return placeOf(file, line, column) + message
}

function placeOf(file: string | undefined, line?: unknown, column?: unknown): string {
  if (file === undefined) return ''
  const numbers = [line, column].filter((number) => typeof number === 'number')
  return `${[file, ...numbers].join(':')}: `
}

/** Returns the stack of code that was built but failed to load. */
function traceOf({ trace }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(trace) ? stackLines({ trace: trace.map(String) }) : []
}
