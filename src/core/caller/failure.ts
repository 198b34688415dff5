import { TetherError } from '../base/errors.js'
import { limitAdvice } from '../link/undelivered.js'
import type { FailedWait } from '../naming/session-watch.js'
import type { Refusal } from '../wire/refusal.js'
import type { StubKey } from '../wire/stub-key.js'
import type { Failure, Terms } from './call-state.js'
import type { SessionLine } from './session-line.js'

type About = Pick<Terms, 'input' | 'options'> & Partial<Pick<Terms, 'frameBytes'>>
/** Possible causes of a failure. */
type Background = Pick<SessionLine, 'link' | 'refusal'>

const START_ONE = "Start one, or restore the function's own code."

/** The error for a failure, worded for the reader of the function's log. */
export function toError(
  failure: Failure,
  { input, options, frameBytes = 0 }: About,
  background: Background,
): TetherError {
  const { functionId, remainingMs } = input
  const { session, app, stage, key } = options
  const { lastError: cause } = background.link
  const named = `session '${session}' of '${app}' in stage '${stage}'`
  const explanation = explain(background.refusal, key)
  const lost = (what: string) => new TetherError('SESSION_LOST', `Session '${session}' was ${what}.`)
  switch (failure.why) {
    case 'deadline': {
      const was = {
        running: `was still running in session '${session}'`,
        connecting: 'was still waiting for a connection to the broker',
        unheard: `had no answer from session '${session}'`,
      }[failure.was]
      const left = `${Math.max(0, Math.round(failure.leftMs))} ms of its ${Math.round(remainingMs)} ms were left`
      const text = `Function '${functionId}' ${was} when ${left}. Raise the function's time-out while you develop.`
      return new TetherError('DEADLINE', text + explanation, failure.was === 'running' ? {} : { cause })
    }
    case 'silence': {
      const text = `No ${named} answered within ${Math.round(failure.forMs)} ms. ${START_ONE}`
      return new TetherError('NO_SESSION', text + explanation)
    }
    case 'absent': {
      const { error } = failure
      const text = `No ${named} is connected. ${START_ONE}`
      return new TetherError('NO_SESSION', text, { cause: error, details: error.details })
    }
    case 'dropped for its size': {
      const text = `Function '${functionId}' was not invoked. ${limitAdvice(frameBytes, named)}`
      return new TetherError('TOO_LARGE', text, { details: { bytes: frameBytes } })
    }
    case 'closed':
      return new TetherError('NO_SESSION', `S${named.slice(1)} was closed. ${START_ONE}`)
    case 'unreachable': {
      const text = `The broker could not be reached within ${Math.round(failure.forMs)} ms`
      return new TetherError('UNREACHABLE', because(text, cause), { cause })
    }
    case 'closed while running':
      return lost(`closed while it ran function '${functionId}', and no answer came`)
    case 'restarted':
      return lost(`restarted while it ran function '${functionId}', and 'onSessionLost' is 'fail'`)
    case 'broken off':
      return lost(`replaced while function '${functionId}' streamed its response, which is incomplete`)
    case 'returned':
      return new TetherError('ABORTED', 'Whoever read the response of the invocation has stopped reading.')
    case 'replaced':
      return lost(`replaced while it ran function '${functionId}': its successor declined: ${failure.reason}`)
    case 'declined':
      return new TetherError('DECLINED', `Session '${session}' declined the invocation: ${failure.reason}.`)
    case 'not taken': {
      const { unwatched } = failure
      const team = quotedNames(options.team ?? [session])
      const text = `Nobody of ${team} of '${app}' in stage '${stage}' takes this invocation of '${functionId}'. `
      const hidden = `The broker does not let this function read the presence of ${quotedNames(unwatched)}: it needs the policy for this team.`
      return new TetherError(
        'NO_SESSION',
        text +
          (unwatched.length > 0 ? hidden : "Open a session that does, or restore the function's own code."),
        { cause },
      )
    }
    case 'stub closed':
      return new TetherError('CLOSED', 'The stub was closed before the session answered.')
    case 'dropped':
      return new TetherError('ABORTED', 'The copy had not left after 5 s, and was dropped.')
    case 'error':
      return failure.error
  }
}

/** The error of a call that did not wait, because an earlier wait failed. */
export function notWaited(
  { error: { code, cause, details }, at, agoMs, forgottenInMs }: FailedWait,
  { options: { session, app, stage, key } }: About,
  { refusal }: Background,
): TetherError {
  const when = `${agoMs} ms ago (at ${new Date(at).toISOString()}), so this invocation did not wait`
  const next = `The stub asks in the background; invocations wait again in ${forgottenInMs} ms`
  const text =
    code === 'UNREACHABLE'
      ? because(`The broker could not be reached ${when}. ${next}`, cause)
      : `No session '${session}' of '${app}' in stage '${stage}' answered ${when}. ${next}. ${START_ONE}${explain(refusal, key)}`
  return new TetherError(code, text, { cause, details })
}

function quotedNames(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function because(text: string, cause: unknown): string {
  return cause instanceof TetherError ? `${text}: ${cause.message}` : `${text}.`
}

function explain(refusal: Refusal | undefined, key: StubKey): string {
  if (refusal === undefined) return ''
  return refusal.reason === 'key'
    ? ` Something answered that it does not have this stub's key ${key.id}, but ${refusal.keyIds.join(', ')}: deploy the stub and start the session with one key.`
    : ` Something answered that it speaks protocol version ${refusal.version}: install the same lambda-tether version on both sides.`
}
