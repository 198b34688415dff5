import { useState } from 'preact/hooks'
import { pointerBelow } from './pointer.js'

interface JsonViewProps {
  readonly value: unknown
  /** Pointers of masked values. */
  readonly masked?: ReadonlySet<string>
  readonly pointer?: string
  readonly depth?: number
}

/** Objects and lists are open down to this depth. */
const OPEN_DEPTH = 3
const FIRST_FIELDS = 100
const FIRST_LETTERS = 2_000

/** A JSON value as a tree. Closed parts have no elements, so that large events are shown at once. */
export function JsonView({ value, masked = NONE, pointer = '', depth = 0 }: JsonViewProps) {
  if (masked.has(pointer)) return <span class="masked">{text(value)}</span>
  if (typeof value === 'string') return <JsonText value={value} depth={depth} />
  if (typeof value !== 'object' || value === null)
    return <span class={`j-${value === null ? 'null' : typeof value}`}>{text(value)}</span>
  return <JsonFields value={value} masked={masked} pointer={pointer} depth={depth} />
}

const NONE: ReadonlySet<string> = new Set()

function JsonFields({ value, masked, pointer, depth }: Required<JsonViewProps> & { readonly value: object }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH)
  const [shown, setShown] = useState(FIRST_FIELDS)
  const list = Array.isArray(value)
  const names = Object.keys(value)
  const [start, end] = list ? '[]' : '{}'
  if (names.length === 0) return <span>{`${start}${end}`}</span>
  if (!open)
    return (
      <button type="button" class="fold" onClick={() => setOpen(true)}>
        {`${start} ${names.length} ${list ? 'items' : 'fields'} ${end}`}
      </button>
    )
  return (
    <span>
      <button type="button" class="fold" aria-label="Fold" onClick={() => setOpen(false)}>
        {start}
      </button>
      <span class="fields">
        {names.slice(0, shown).map((name, index) => (
          <span class="field" key={name}>
            {list ? undefined : <span class="key">{`${JSON.stringify(name)}: `}</span>}
            <JsonView
              value={(value as Record<string, unknown>)[name]}
              masked={masked}
              pointer={pointerBelow(pointer, name)}
              depth={depth + 1}
            />
            {index < names.length - 1 && ','}
          </span>
        ))}
        {shown < names.length && (
          <button type="button" class="fold" onClick={() => setShown(shown + 10 * FIRST_FIELDS)}>
            {`${names.length - shown} more`}
          </button>
        )}
      </span>
      {end}
    </span>
  )
}

function JsonText({ value, depth }: { readonly value: string; readonly depth: number }) {
  const [whole, setWhole] = useState(false)
  const [parsed, setParsed] = useState(depth < OPEN_DEPTH)
  const inner = nested(value)
  if (inner !== undefined && parsed)
    return (
      <span>
        <button type="button" class="fold" onClick={() => setParsed(false)}>
          JSON in a text
        </button>{' '}
        <JsonView value={inner} depth={depth} />
      </span>
    )
  const cut = !whole && value.length > FIRST_LETTERS
  return (
    <span class="j-string">
      {isLink(value) ? (
        <a href={value} rel="noreferrer noopener" target="_blank">
          {text(value)}
        </a>
      ) : (
        text(cut ? value.slice(0, FIRST_LETTERS) : value)
      )}
      {cut && (
        <button type="button" class="fold" onClick={() => setWhole(true)}>
          {`${value.length - FIRST_LETTERS} more letters`}
        </button>
      )}
      {inner !== undefined && (
        <button type="button" class="fold" onClick={() => setParsed(true)}>
          as JSON
        </button>
      )}
    </span>
  )
}

/** A text may hold JSON, as a body does. */
function nested(value: string): object | undefined {
  if (!/^\s*[{[]/.test(value) || value.length > 1_000_000) return undefined
  try {
    return JSON.parse(value) as object
  } catch {
    return undefined
  }
}

function isLink(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value) && value.length < FIRST_LETTERS && URL.canParse(value)
}

function text(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value)
}
