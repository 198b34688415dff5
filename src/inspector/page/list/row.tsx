import type { Head } from '../api/contract.js'
import { age, milliseconds } from '../format.js'
import { outcomeText } from './outcome-text.js'

/** The height of every row, in CSS pixels; style/list.css has the same. */
export const ROW_HEIGHT = 30

interface RowProps {
  readonly head: Head
  readonly index: number
  readonly selected: boolean
  readonly now: number
  onOpen(id: string): void
}

export function Row({ head, index, selected, now, onOpen }: RowProps) {
  return (
    // The list has the focus and the keys.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div
      id={rowId(head.id)}
      class={`row ${head.state}`}
      role="option"
      aria-selected={selected}
      data-id={head.id}
      style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
      onClick={() => onOpen(head.id)}
    >
      <span class={`outcome ${head.state}`} title={outcomeText(head)}>
        {outcomeText(head)}
      </span>
      <span class="what">
        <span class="title" title={head.title}>
          {head.title}
        </span>
        {marks(head).map((mark) => (
          <span class="mark" key={mark}>
            {mark}
          </span>
        ))}
      </span>
      <span class="function" title={head.functionId}>
        {head.functionId}
      </span>
      <span class="trigger">{head.trigger}</span>
      <span class="number">{head.durationMs === undefined ? '' : milliseconds(head.durationMs)}</span>
      <span class="number">{age(head.at, now)}</span>
    </div>
  )
}

export function rowId(id: string): string {
  return `row-${id}`
}

function marks({ mirrored, replayed, rerun }: Head): string[] {
  const all = [
    ['mirrored', mirrored],
    ['replayed', replayed],
    ['rerun', rerun],
  ] as const
  return all.filter(([, is]) => Boolean(is)).map(([name]) => name)
}
