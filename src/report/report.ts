import { toLambdaError } from '../core/base/errors.js'
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

/** What {@link report} takes. */
export interface ReportOptions {
  /** Takes each line, without its end. @default standard output */
  readonly write?: ((line: string) => void) | undefined
  /**
   * Whether lines have ANSI colours.
   * @default with `write` false; else whether standard output has them; the variables `FORCE_COLOR` and `NO_COLOR` are respected
   */
  readonly colors?: boolean | undefined
  /** What is printed after the line of each invocation that has ended, such as its address on a page: `inspector.link`. @default nothing */
  readonly link?: ((invocation: Invocation) => string) | undefined
}

/**
 * Prints what happens in a session, a line for each: answers, failures with their stack, what local code prints, reloads,
 * warnings of builds, declined functions, the connection, and what was discarded; the same text again only at the 10th,
 * 100th … time. It changes nothing that the session does, and ends when the session closes. A terminal obeys nothing of
 * what comes from outside.
 * @returns ends it when disposed
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
      else lines.function(functionId, 'bad', error.message, traceOf(error.details))
      for (const { file, line, text } of warnings) {
        const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `
        lines.function(functionId, 'warning', `warning: ${place}${text}`)
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
      // Each later attempt follows a line that says when it comes.
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

/** The stack of code that was built and could not be loaded. */
function traceOf({ trace }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(trace) ? stackLines({ trace: trace.map(String) }) : []
}
