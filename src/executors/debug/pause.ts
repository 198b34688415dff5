import type { Cancel, Clock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import type { DebugLink, DebugTarget } from './target.js'

/** Code in an endless loop answers within milliseconds; code that waits in a system call does not. */
export const ANSWER_MS = 1_000

export interface Pause {
  /** Resolves when the code continues or ends. */
  readonly over: Promise<void>
  /** Continues the code. */
  resume(): void
  /** Stops watching, without changing the code's state. */
  leave(): void
}

interface Expiry {
  readonly target: DebugTarget
  readonly clock: Clock
  /** How long the code may run after a pause. */
  readonly timeLimitMs: number
  /** Ends the code. Never called synchronously. */
  end(): void
}

/**
 * Ends code that has used up its time, unless a debugger has paused it. Code found paused is left alone; once it runs
 * again it gets its full time, after which it is asked again. The target is asked only when its time is up, so that code
 * without a debugger never waits.
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

/** Returns the pause if a debugger has paused the code. Connects as a debugger that never pauses anything itself. */
async function findPause(target: DebugTarget, clock: Clock): Promise<Pause | undefined> {
  let paused = false
  const answer = deferred()
  const over = deferred()
  let link: DebugLink
  try {
    link = await target.connect({
      onMessage: (message) => {
        // Skip reports of scripts: there may be thousands.
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
  // Paused code reports the pause before it answers the second message. The first keeps this connection from stopping
  // at breakpoints and `debugger`.
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
