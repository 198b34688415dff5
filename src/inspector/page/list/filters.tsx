import { FILTER_KINDS, type FilterKind, isFiltering, NO_FILTER } from '../state/filter.js'
import { usePage } from '../state/page-state.js'

/** The filters of the list. */
export function Filters() {
  const page = usePage()
  const filter = page.filter.value
  const served = page.status.value?.functions.map(({ functionId }) => functionId) ?? []
  const functionIds = [...new Set([...served, ...page.functionIds.value])].sort()
  const toggle = (kind: FilterKind) => {
    const kinds = new Set(filter.kinds)
    if (!kinds.delete(kind)) kinds.add(kind)
    page.setFilter({ kinds })
  }
  return (
    <search class="filters">
      <input
        id="search"
        type="search"
        placeholder="Search events and logs"
        aria-label="Search events and logs"
        value={filter.text}
        onInput={({ currentTarget }) => page.setFilter({ text: currentTarget.value })}
      />
      <select
        aria-label="Function"
        value={filter.functionId}
        onChange={({ currentTarget }) => page.setFilter({ functionId: currentTarget.value })}
      >
        <option value="">All functions</option>
        {functionIds.map((functionId) => (
          <option value={functionId} key={functionId}>
            {functionId}
          </option>
        ))}
      </select>
      {FILTER_KINDS.map((kind) => (
        <button
          type="button"
          class="chip"
          aria-pressed={filter.kinds.has(kind)}
          onClick={() => toggle(kind)}
          key={kind}
        >
          {kind === 'slow' ? 'slow (1 s)' : kind}
        </button>
      ))}
      {isFiltering(filter) && (
        <button type="button" class="fold" onClick={() => page.setFilter(NO_FILTER)}>
          Show all
        </button>
      )}
    </search>
  )
}
