import { useState } from 'preact/hooks'
import type { StreamedAnswer } from '../api/contract.js'
import { bytes, milliseconds } from '../format.js'

/** More is shown on demand: the browser lays all of it out with each chunk. */
const LAST_LETTERS = 100_000
const LAST_CHUNKS = 100

/** A streamed response as text, and when its chunks were written. */
export function StreamView({
  stream: { contentType, bytes: size, text, chunks },
  isOpen,
}: {
  readonly stream: StreamedAnswer
  readonly isOpen: boolean
}) {
  const [whole, setWhole] = useState(false)
  const cut = whole || text === undefined ? 0 : Math.max(0, text.length - LAST_LETTERS)
  const type = contentType === undefined ? '' : ` of ${contentType}`
  return (
    <div class="stream">
      <p class="quiet">{`${bytes(size)}${type} ${isOpen ? 'streamed so far' : 'streamed'}`}</p>
      {cut > 0 && (
        <button type="button" class="fold" onClick={() => setWhole(true)}>
          {`${cut} letters before`}
        </button>
      )}
      {text !== undefined && <pre>{text.slice(cut)}</pre>}
      <details>
        <summary>{`${chunks.length} ${chunks.length === 1 ? 'chunk' : 'chunks'}`}</summary>
        <ol start={Math.max(0, chunks.length - LAST_CHUNKS) + 1}>
          {chunks.slice(-LAST_CHUNKS).map((chunk, index) => (
            <li key={index}>{`${bytes(chunk.bytes)} at ${milliseconds(chunk.atMs)}`}</li>
          ))}
        </ol>
      </details>
    </div>
  )
}
