// Builds the Markdown of sections.

/** A Markdown table. @param columns names; the first is aligned left, the rest right */
export function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [
    line(columns),
    line(columns.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map((cells) => line(cells.map(String))),
  ].join('\n')
}

/** Milliseconds with the significant places only. */
export function ms(value) {
  if (value === undefined || value === null) return '–'
  const places = value < 1 ? 2 : value < 20 ? 1 : 0
  return `${grouped(value, places)} ms`
}

/** A figure divided by its floor; a dash without a floor. */
export const ratio = (value, floor) =>
  floor > 0 ? `${grouped(value / floor, value / floor < 10 ? 2 : 0)} ×` : '–'

export function bytes(value) {
  if (value < 1000) return `${value} B`
  if (value % 1024 === 0 && value < 1024 ** 2) return `${value / 1024} KB`
  return value < 1e6 ? `${plain(value / 1e3)} KB` : `${plain(value / 1e6)} MB`
}

export const grouped = (value, places = 0) =>
  value.toLocaleString('en', { maximumFractionDigits: places, minimumFractionDigits: places })

export const plain = (value, places = 1) => value.toLocaleString('en', { maximumFractionDigits: places })
