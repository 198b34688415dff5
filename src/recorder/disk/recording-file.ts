import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/base/clock.js'
import { recordingName } from './folder.js'

/** Limits of a file. A full file is followed by another. */
export interface FileLimits {
  readonly count: number
  readonly bytes: number
}

const KEPT_BYTES = 256 * 1024
const DAY_MS = 24 * 60 * 60 * 1_000
/** A file written to within this time counts as in use: sessions that clear the folder keep it. */
export const IN_USE_MS = 10 * 60 * 1_000

/**
 * The file that a recorder writes to. Each recorder has its own files: recorders that share a folder do not write into
 * each other's lines, and no line follows a partial line left by a crash.
 */
export class RecordingFile {
  readonly #folder: string
  readonly #limits: FileLimits
  readonly #clock: Clock
  readonly #onNext: () => void
  #open: { readonly name: string; readonly file: FileHandle; readonly since: number } | undefined
  #buffer: Buffer | undefined
  #count = 0
  #bytes = 0
  #writtenAt = 0

  /** @param onNext called when a new file is opened */
  constructor(folder: string, limits: FileLimits, clock: Clock, onNext: () => void) {
    this.#folder = folder
    this.#limits = limits
    this.#clock = clock
    this.#onNext = onNext
  }

  get name(): string | undefined {
    return this.#open?.name
  }

  /** Appends whole lines with one write. */
  async append(lines: readonly string[]): Promise<void> {
    const bytes = this.#encoded(lines)
    const file = await this.#current()
    await writeWhole(file, bytes)
    this.#count += lines.length
    this.#bytes += bytes.length
    this.#writtenAt = this.#clock.now()
  }

  // Reuses one buffer: allocating this size costs more than the write.
  #encoded(lines: readonly string[]): Buffer {
    const length = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0)
    const kept = length <= KEPT_BYTES
    if (kept) this.#buffer ??= Buffer.allocUnsafeSlow(KEPT_BYTES)
    const buffer = kept ? this.#buffer! : Buffer.allocUnsafeSlow(length)
    let at = 0
    for (const line of lines) at += buffer.write(line, at)
    return buffer.subarray(0, at)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
  }

  async #current(): Promise<FileHandle> {
    const now = this.#clock.now()
    if (this.#open !== undefined) {
      const full = this.#count >= this.#limits.count || this.#bytes >= this.#limits.bytes
      const old = now - this.#open.since >= DAY_MS
      const idle = now - this.#writtenAt >= IN_USE_MS / 2
      if (!full && !old && !(idle && (await isRemoved(this.#open.file)))) return this.#open.file
      await this.close()
    }
    const name = recordingName(now)
    const file = await open(join(this.#folder, name), 'ax', 0o600)
    this.#open = { name, file, since: now }
    this.#count = 0
    this.#bytes = 0
    this.#writtenAt = now
    this.#onNext()
    return file
  }
}

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written)
    written += bytesWritten
  }
}

async function isRemoved(file: FileHandle): Promise<boolean> {
  return (await file.stat()).nlink === 0
}
