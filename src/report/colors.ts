/** How a part of a line looks. */
export type Style = 'good' | 'bad' | 'warning' | 'faint' | 'name'

/** Paints a part of a line, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

// SGR codes: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warning: [33, 39],
  faint: [2, 22],
  name: [36, 39],
}

export function painter(colors: boolean): Paint {
  if (!colors) return (_style, text) => text
  return (style, text) => {
    const [on, off] = CODES[style]
    return `\x1b[${on}m${text}\x1b[${off}m`
  }
}

/**
 * Whether standard output shows colours. `FORCE_COLOR` decides before `NO_COLOR`, as in Node; both before the terminal.
 * @see https://force-color.org and https://no-color.org
 */
export function hasColors(
  { FORCE_COLOR, NO_COLOR }: NodeJS.ProcessEnv = process.env,
  terminal: { hasColors?(): boolean } = process.stdout,
): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  return terminal.hasColors?.() ?? false
}
