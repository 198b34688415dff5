import type { Cancel, Clock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import type { DebugLink, DebugTarget } from './target.js'

/** Code in an endless loop answers within milliseconds; code that waits in a system call does not. */
export const ANSWER_MS = 1_000

export interface Pause {
  /** Resolves when the code runs on, or is gone. */
  readonly over: Promise<void>
  /** Has the code run on. */
  resume(): void
  /** Stops watching; the code stays as it is. */
  leave(): void
}

interface Expiry {
  readonly target: DebugTarget
  readonly clock: Clock
  /** How long the code may run on when it is no longer paused. */
  readonly timeLimitMs: number
  /** Ends the code. Not called before this function has returned. */
  end(): void
}

/**
 * Ends code whose time is up, unless a debugger has paused it: then it stays, and has its whole time once more each
 * time it is found paused at the end of it. It is asked, rather than watched, so that nobody waits for a debugger
 * which is not attached.
 */
export function endUnlessPaused({ target, clock, timeLimitMs, end }: Expiry): Cancel {
  let cancelled = false
  let cancelWait = () => {}
  const watch = async () => {
    for (;;) {
      const pause = await findPause(target, clock)
      if (cancelled) return pause?.leave()
      if (pause === undefined) return end()
      cancelWait = pause.leave
      await pause.over
      if (cancelled) return
      await new Promise<void>((resolve) => {
        const cancelTimer = clock.schedule(timeLimitMs, resolve)
        cancelWait = () => {
          cancelTimer()
          resolve()
        }
      })
      if (cancelled) return
    }
  }
  void watch()
  return () => {
    cancelled = true
    cancelWait()
  }
}

/** Whether a debugger has paused the code. This asks as a debugger that never pauses anything itself. */
async function findPause(target: DebugTarget, clock: Clock): Promise<Pause | undefined> {
  let paused = false
  const answer = deferred()
  const over = deferred()
  let link: DebugLink
  try {
    link = await target.connect({
      onMessage: (message) => {
        // Each script is reported too, and there may be thousands.
        if (message.startsWith('{"method":"Debugger.scriptParsed"')) return
        const { id, method } = JSON.parse(message) as { id?: number; method?: string }
        if (method === 'Debugger.paused') paused = true
        if (method === 'Debugger.resumed') over.resolve()
        if (id === 2) answer.resolve()
      },
      onClose: () => {
        answer.resolve()
        over.resolve()
      },
    })
  } catch {
    return undefined
  }
  // Paused code says so before it answers the second; breakpoints and `debugger` are none of this one's.
  link.send('{"id":1,"method":"Debugger.setSkipAllPauses","params":{"skip":true}}')
  link.send('{"id":2,"method":"Debugger.enable"}')
  const cancelTimeout = clock.schedule(ANSWER_MS, () => answer.resolve())
  await answer.promise
  cancelTimeout()
  if (!paused) {
    link.close()
    return undefined
  }
  void over.promise.then(() => link.close())
  return {
    over: over.promise,
    resume: () => link.send('{"id":3,"method":"Debugger.resume"}'),
    leave: () => over.resolve(),
  }
}
