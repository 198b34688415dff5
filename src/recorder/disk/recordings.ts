import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkPathText, checkText } from '../../core/base/option-checks.js'
import type { InvocationRecord, RecordHead } from '../record.js'
import { folderError, recordingNames } from './folder.js'
import { headOfLine } from './format.js'
import { sliceFields } from './json-slices.js'
import { readLine } from './stored-record.js'

/** The records of a folder. Each call reads the folder's current content; a line cut off by a crash is left out. */
export interface Recordings {
  /** The heads of all records, the oldest first. @throws TetherError `UNSUPPORTED`, `STORE_FAILED` */
  heads(): Promise<RecordHead[]>
  /**
   * Returns a record by its invocation's id; the latest, if another session ran the invocation again.
   * @throws TetherError `UNSUPPORTED`, `STORE_FAILED`
   */
  get(id: string): Promise<InvocationRecord | undefined>
  /** All records, the oldest first. @throws TetherError `UNSUPPORTED`, `STORE_FAILED` */
  records(): AsyncIterable<InvocationRecord>
}

const LINE_END = 0x0a
/** Enough for nearly every head. */
const HEAD_BYTES = 1_024

/**
 * Reads the recordings in a folder, without a session, and even while a recorder writes there. A folder that does not
 * exist has no records.
 * @throws TetherError `INVALID_OPTION`
 */
export function openRecordings(folder: string): Recordings {
  checkPathText('folder', folder)
  const root = resolve(folder)
  return {
    async heads() {
      const heads: RecordHead[] = []
      for (const name of await namesOf(root))
        for (const line of await linesOf(root, name)) {
          const head = readHead(line)
          if (head !== undefined) heads.push(head)
        }
      // Files of two sessions overlap in time, and records are written in the order in which invocations end.
      return heads.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    },
    async get(id) {
      checkText('id', id)
      const text = JSON.stringify(id)
      for (const name of (await namesOf(root)).reverse())
        for (const line of (await linesOf(root, name)).reverse()) {
          if (!line.includes(text) || readHead(line)?.id !== id) continue
          const record = await readLine(root, line.toString())
          if (record !== undefined) return record
        }
      return undefined
    },
    async *records() {
      for (const name of await namesOf(root))
        for (const line of await linesOf(root, name)) {
          const record = await readLine(root, line.toString())
          if (record !== undefined) yield record
        }
    },
  }
}

async function namesOf(root: string): Promise<string[]> {
  try {
    return await recordingNames(root)
  } catch (error) {
    throw folderError(root, error)
  }
}

/** Returns the whole lines of a file, and the last line even if only its line break is missing. */
async function linesOf(root: string, name: string): Promise<Buffer[]> {
  const file = await readAtOnce(join(root, name)).catch((error: NodeJS.ErrnoException) => {
    // The file was removed in the meantime.
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw folderError(root, error)
  })
  const lines: Buffer[] = []
  let from = 0
  for (let to = file.indexOf(LINE_END); to !== -1; to = file.indexOf(LINE_END, from)) {
    if (to > from) lines.push(file.subarray(from, to))
    from = to + 1
  }
  const last = file.subarray(from)
  if (sliceFields(last.toString()) !== undefined) lines.push(last)
  return lines
}

// readFile() reads a large file in many steps, and each waits for a thread.
async function readAtOnce(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const bytes = Buffer.allocUnsafe((await file.stat()).size)
    let read = 0
    while (read < bytes.length) {
      const { bytesRead } = await file.read(bytes, read, bytes.length - read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    return bytes.subarray(0, read)
  } finally {
    await file.close()
  }
}

function readHead(line: Buffer): RecordHead | undefined {
  const head = headOfLine(line.toString('utf8', 0, HEAD_BYTES))
  if (head !== undefined) return head
  // The head is long, or another program rewrote the line with its fields in another order.
  const fields = sliceFields(line.toString())?.get('head')
  return fields === undefined ? undefined : (JSON.parse(fields) as RecordHead)
}
