import type { Clock } from '../../core/base/clock.js'
import type { TetherError } from '../../core/base/errors.js'
import { setImmediate } from '../../core/base/timers.js'
import { LiveRecord } from '../live-record.js'
import { hooked, type RecordHook } from '../record-data.js'
import { redactRecord } from '../redact/redact-record.js'
import { keyedMarks, type RuleBook } from '../redact/rules.js'
import type { Mark } from '../redact/secret-shapes.js'
import { writeBlob } from './blobs.js'
import { clearFolder, type KeepLimits } from './clearing.js'
import { folderError, prepareFolder } from './folder.js'
import { lineOf, type WrittenBlob } from './format.js'
import { RecordingFile } from './recording-file.js'

/** Events of records on their way to the disk. */
export interface JournalEvents {
  /** The disk is too slow: this record is not written. */
  dropped(record: LiveRecord): void
  /** The disk has caught up. */
  caughtUp(): void
  /** This record is not written because redacting it failed. */
  skipped(record: LiveRecord, error: unknown): void
  /** No more records are written. */
  stopped(error: TetherError): void
}

export interface JournalOptions {
  readonly folder: string
  readonly keep: KeepLimits
  readonly rules: RuleBook
  /** The user's own redaction. @returns undefined to leave the record out */
  readonly hook?: RecordHook | undefined
  readonly clock: Clock
  readonly events: JournalEvents
}

interface Batch {
  readonly lines: string[]
  readonly blobs: WrittenBlob[]
  /** The total length of the lines, in characters. */
  length: number
}

/** The memory that waiting records may take. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024
const MAX_BATCH_LENGTH = 128 * 1024
/** Redaction shares the session's event loop: it yields after this long, and after each large record. */
const MAX_TURN_MS = 1
/** How long a record waits for others: a write costs as much as redacting a record. */
const GATHER_MS = 10
/** The limits of a folder cover several files, so that whole files can be removed. */
const FILES = 4

/** Writes records to a folder, in the background and in order. Does not touch the disk before the first record. */
export class Journal {
  readonly #options: JournalOptions
  readonly #file: RecordingFile
  /** Cached contents of the folder's files. */
  readonly #known: Parameters<typeof clearFolder>[3] = new Map()
  #waiting: { readonly record: LiveRecord; readonly bytes: number }[] = []
  #waitingBytes = 0
  #dropping = false
  #stopped = false
  #running: Promise<void> | undefined
  #clearing: Promise<void> = Promise.resolve()
  #mark: Mark | undefined
  #flushing = 0
  /** Ends the wait for further records. */
  #hurry: () => void = () => {}

  constructor(options: JournalOptions) {
    this.#options = options
    const { folder, keep, clock } = options
    const limits = { count: Math.ceil(keep.count / FILES), bytes: Math.ceil(keep.bytes / FILES) }
    this.#file = new RecordingFile(folder, limits, clock, () => this.#clear())
  }

  /** Whether the journal has stopped writing. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Queues the record of an ended invocation. */
  add(record: LiveRecord): void {
    if (this.#stopped) return
    const bytes = LiveRecord.bytesOf(record)
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES && this.#waiting.length > 0) {
      this.#dropping = true
      return this.#options.events.dropped(record)
    }
    this.#waitingBytes += bytes
    this.#waiting.push({ record, bytes })
    this.#run()
  }

  /** Resolves when all added records are written, or when the journal has stopped. */
  async flush(): Promise<void> {
    this.#flushing++
    this.#hurry()
    while (this.#running !== undefined) await this.#running
    this.#flushing--
    await this.#clearing
  }

  async close(): Promise<void> {
    await this.flush()
    this.#stopped = true
    await this.#file.close().catch(() => {})
  }

  #run(): void {
    this.#running ??= this.#drain()
      .catch((error: unknown) => this.#stop(error))
      .finally(() => {
        this.#running = undefined
        if (this.#waiting.length > 0) this.#run()
      })
  }

  async #drain(): Promise<void> {
    const { folder, clock, events } = this.#options
    this.#mark ??= keyedMarks(await prepareFolder(folder))
    while (this.#waiting.length > 0) {
      await this.#gather()
      const batch: Batch = { lines: [], blobs: [], length: 0 }
      do {
        await turn()
        this.#redact(batch, this.#mark)
      } while (this.#waiting.length > 0 && batch.blobs.length === 0 && batch.length < MAX_BATCH_LENGTH)
      // Bodies are written first, so that every line in the file has its bodies.
      for (const blob of batch.blobs) await writeBlob(folder, blob, clock)
      if (batch.lines.length > 0) await this.#file.append(batch.lines)
      if (this.#dropping && this.#waiting.length === 0) {
        this.#dropping = false
        events.caughtUp()
      }
    }
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#flushing > 0 || this.#waitingBytes > MAX_BATCH_LENGTH) return resolve()
      const cancel = this.#options.clock.schedule(GATHER_MS, resolve)
      this.#hurry = () => {
        cancel()
        resolve()
      }
    })
  }

  /** Adds records to a batch until the turn ends. */
  #redact(batch: Batch, mark: Mark): void {
    const { clock, rules, hook, events } = this.#options
    const reading = () => clock.monotonic?.() ?? clock.now()
    const startedAt = reading()
    let taken = 0
    for (const { record, bytes } of this.#waiting) {
      taken++
      this.#waitingBytes -= bytes
      try {
        const redacted = redactRecord(record, rules.rulesFor(record, mark))
        const parts = hook === undefined ? redacted : hooked(hook, record, redacted)
        if (parts === undefined) continue
        const { line, blobs } = lineOf(record, parts)
        batch.lines.push(line)
        batch.blobs.push(...blobs)
        batch.length += line.length
      } catch (error) {
        events.skipped(record, error)
      }
      const isFull = batch.blobs.length > 0 || batch.length > MAX_BATCH_LENGTH
      if (isFull || reading() - startedAt > MAX_TURN_MS) break
    }
    this.#waiting.splice(0, taken)
  }

  #clear(): void {
    const { folder, keep, clock } = this.#options
    this.#clearing = this.#clearing
      .then(() => clearFolder(folder, keep, clock.now(), this.#known))
      .catch((error: unknown) => this.#stop(error))
  }

  #stop(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#waiting = []
    this.#waitingBytes = 0
    void this.#file.close().catch(() => {})
    this.#options.events.stopped(folderError(this.#options.folder, error))
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
