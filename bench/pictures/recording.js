import { once } from 'node:events'
import { createInterface } from 'node:readline'

const LINE_WITHIN_MS = 20_000

/** What a terminal shows, line by line, with times in milliseconds from the first. */
export function recording() {
  const lines = []
  const added = new EventTarget()
  const startedAt = performance.now()
  let seen = 0
  const add = (kind, text) => {
    lines.push({ kind, text, atMs: performance.now() - startedAt })
    added.dispatchEvent(new Event('line'))
  }
  return {
    lines,
    /** What somebody has typed. */
    command: (text) => add('command', text),
    /** What a command has printed. */
    output: (text) => add('output', text),
    /** Records what a stream prints; `change` says how a line is shown. */
    watch(stream, change) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line !== '') add('log', change(line))
      })
    },
    /** The match of the first line that matches, after the one that was found last. @throws when none comes */
    async line(pattern) {
      const signal = AbortSignal.timeout(LINE_WITHIN_MS)
      for (;;) {
        while (seen < lines.length) {
          const match = pattern.exec(lines[seen++].text)
          if (match !== null) return match
        }
        await once(added, 'line', { signal }).catch((cause) => {
          const shown = lines.map(({ text }) => text).join('\n')
          throw new Error(`No line matches ${pattern}; there are:\n${shown}`, { cause })
        })
      }
    },
  }
}
