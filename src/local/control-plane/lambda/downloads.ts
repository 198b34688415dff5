import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../core/base/clock.js'

// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html: "valid for 10 minutes"
const VALID_MS = 10 * 60_000

interface Download {
  readonly zip: Uint8Array
  readonly until: number
}

/** Unsigned links to code and layers, in place of Lambda's presigned ones: each is valid for ten minutes. */
export class Downloads {
  readonly #clock: Clock
  readonly #links = new Map<string, Download>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes an unguessable path with a query. */
  link(zip: Uint8Array): string {
    const now = this.#clock.now()
    for (const [path, { until }] of this.#links) if (until < now) this.#links.delete(path)
    const path = `/snapshots/${randomBytes(16).toString('hex')}?X-Amz-Expires=${VALID_MS / 1000}`
    this.#links.set(path, { zip, until: now + VALID_MS })
    return path
  }

  /** Returns the zip behind a link; undefined once it has expired. */
  zip(path: string): Uint8Array | undefined {
    const found = this.#links.get(path)
    return found !== undefined && found.until >= this.#clock.now() ? found.zip : undefined
  }
}
