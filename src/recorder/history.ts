import { LiveRecord } from './live-record.js'

/** The latest records in order of arrival. Removes the oldest when the count or the bytes exceed their limits. */
export class History {
  readonly #records = new Map<string, LiveRecord>()
  readonly #maxCount: number
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount
    this.#maxBytes = maxBytes
  }

  get(id: string): LiveRecord | undefined {
    return this.#records.get(id)
  }

  values(): IterableIterator<LiveRecord> {
    return this.#records.values()
  }

  add(record: LiveRecord): void {
    this.#remove(record.id)
    this.#records.set(record.id, record)
    this.#grow(LiveRecord.bytesOf(record))
  }

  /** Applies a change to a record, which may make the record larger. */
  change(record: LiveRecord, change: () => void): void {
    const before = LiveRecord.bytesOf(record)
    change()
    if (this.#records.get(record.id) === record) this.#grow(LiveRecord.bytesOf(record) - before)
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    for (const id of this.#records.keys()) {
      const fits = this.#bytes <= this.#maxBytes && this.#records.size <= this.#maxCount
      if (fits || this.#records.size === 1) return
      this.#remove(id)
    }
  }

  #remove(id: string): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#records.delete(id)
    this.#bytes -= LiveRecord.bytesOf(record)
  }
}
