import { useState } from 'preact/hooks'
import type { LogLine } from '../api/contract.js'
import { milliseconds } from '../format.js'
import { styledPieces } from './ansi.js'

const FIRST_LINES = 500

/** The output of the local code. */
export function Logs({ logs, dropped }: { readonly logs: readonly LogLine[]; readonly dropped: number }) {
  const [shown, setShown] = useState(FIRST_LINES)
  if (logs.length === 0) return <p class="quiet">Nothing was written.</p>
  return (
    <div class="logs">
      {logs.slice(0, shown).map((line, index) => (
        // Lines are only ever added at the end.
        <div class={`line ${line.stream} level-${levelOf(line)}`} key={index}>
          <span class="quiet time">{`+${milliseconds(line.atMs)}`}</span>
          <span class="text">
            {styledPieces(line.text).map(({ text, classes }, piece) =>
              classes === '' ? (
                text
              ) : (
                <span class={classes} key={piece}>
                  {text}
                </span>
              ),
            )}
          </span>
        </div>
      ))}
      {shown < logs.length && (
        <button type="button" class="fold" onClick={() => setShown(shown + 10 * FIRST_LINES)}>
          {`${logs.length - shown} more lines`}
        </button>
      )}
      {dropped > 0 && <p class="quiet">{`${dropped} further lines were not kept.`}</p>}
    </div>
  )
}

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

function levelOf({ level = 'info' }: LogLine): string {
  const name = level.toLowerCase()
  return LEVELS.includes(name) ? name : 'info'
}
