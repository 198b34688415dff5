import { once } from 'node:events'
import { createInterface } from 'node:readline'

const LINE_WITHIN_MS = 20_000

/** Records the lines of a terminal, with times in milliseconds from the first. */
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
    /** A typed command. */
    command: (text) => add('command', text),
    /** A command's output. */
    output: (text) => add('output', text),
    /** Records a stream's lines; `change` edits a line before it is shown. */
    watch(stream, change) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line !== '') add('log', change(line))
      })
    },
    /** Returns the match of the first line that matches, after the last match. @throws when none comes */
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
