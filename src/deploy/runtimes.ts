/** Runtime of the relay, and of a stub that replaces a function: the newest long-term release of Node on Lambda. */
export const NODE_RUNTIME = 'nodejs24.x'

/**
 * Dates from which Lambda rejects updates of code or configuration for functions with a runtime ("Block function
 * update"). https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, as of July 2026. A runtime that is
 * missing here is supported for longer, or unknown.
 */
const UPDATES_END: Readonly<Record<string, string>> = {
  'nodejs16.x': '2027-03-03',
  'nodejs18.x': '2027-03-03',
  'nodejs20.x': '2027-03-03',
  'nodejs22.x': '2027-07-01',
  'nodejs24.x': '2028-07-01',
  'python3.9': '2027-03-03',
  'python3.10': '2027-03-03',
  'python3.12': '2029-01-10',
  'python3.13': '2029-08-31',
  'python3.14': '2029-08-31',
  'ruby3.4': '2028-05-31',
  java25: '2029-08-31',
  dotnet10: '2029-01-15',
}

const HALF_A_YEAR_MS = 183 * 24 * 3_600_000

/**
 * Returns the day from which functions with a runtime cannot be changed, if it is past or within half a year of `now`.
 */
export function endOfUpdates(runtime: string, now: number): string | undefined {
  const day = Object.hasOwn(UPDATES_END, runtime) ? UPDATES_END[runtime] : undefined
  return day !== undefined && Date.parse(day) - now <= HALF_A_YEAR_MS ? day : undefined
}
