import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { isFiltering, NO_FILTER } from '../state/filter.js'
import { usePage } from '../state/page-state.js'
import { EmptyState } from './empty-state.js'
import { ROW_HEIGHT, Row, rowId } from './row.js'

/** Rows that exist above and below those on the screen. */
const BEYOND = 10
const AGES_MS = 1_000

/** The invocations: only rows on the screen exist, since there may be 10,000. */
export function ListView() {
  const page = usePage()
  const scroller = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  const height = useSignal(600)
  const now = useSignal(Date.now())
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(() => (height.value = scroller.current?.clientHeight ?? 0))
    sizes.observe(scroller.current!)
    const ages = window.setInterval(() => (now.value = Date.now()), AGES_MS)
    return () => {
      sizes.disconnect()
      window.clearInterval(ages)
    }
  }, [height, now])

  void page.version.value
  const ids = page.visible.value
  const openId = page.route.value.id
  const first = Math.max(0, Math.floor(top.value / ROW_HEIGHT) - BEYOND)
  const last = Math.ceil((top.value + height.value) / ROW_HEIGHT) + BEYOND

  // Only when another invocation is opened: new rows must not move the list back to it.
  useEffect(() => {
    const at = page.visible.value.indexOf(openId ?? '')
    const element = scroller.current
    if (at === -1 || element === null) return
    const { scrollTop, clientHeight } = element
    if (at * ROW_HEIGHT < scrollTop) element.scrollTop = at * ROW_HEIGHT
    else if ((at + 1) * ROW_HEIGHT > scrollTop + clientHeight)
      element.scrollTop = (at + 1) * ROW_HEIGHT - clientHeight
  }, [openId, page])

  const scrolled = ({ currentTarget }: { readonly currentTarget: HTMLDivElement }) => {
    top.value = currentTarget.scrollTop
    page.hold(currentTarget.scrollTop > 0)
  }
  const release = () => {
    page.release()
    scroller.current!.scrollTop = 0
  }
  return (
    <div class="list">
      {page.waiting.value > 0 && (
        <button type="button" class="pill" onClick={release}>
          {`${page.waiting.value} new`}
        </button>
      )}
      <div
        ref={scroller}
        class="scroller"
        role="listbox"
        aria-label="Invocations"
        aria-activedescendant={ids.includes(openId ?? '') ? rowId(openId!) : undefined}
        tabIndex={0}
        onScroll={scrolled}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          event.preventDefault()
          page.step(event.key === 'ArrowDown' ? 1 : -1)
        }}
      >
        <div class="rows" role="presentation" style={{ height: `${ids.length * ROW_HEIGHT}px` }}>
          {ids.slice(first, last).map((id, index) => (
            <Row
              key={id}
              head={page.rows.get(id)!}
              index={first + index}
              selected={id === openId}
              now={now.value}
              onOpen={(id) => page.go({ id })}
            />
          ))}
        </div>
      </div>
      {ids.length === 0 && page.loaded.value && <Nothing />}
    </div>
  )
}

function Nothing() {
  const page = usePage()
  if (page.rows.size === 0) return <EmptyState />
  if (!isFiltering(page.filter.value)) return null
  return (
    <div class="nothing">
      <p>{`None of ${page.rows.size} invocations matches the filter.`}</p>
      <button type="button" onClick={() => page.setFilter(NO_FILTER)}>
        Show all
      </button>
    </div>
  )
}
