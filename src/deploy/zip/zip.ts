import { crc32, deflateRawSync } from 'node:zlib'

const LOCAL_FILE = 0x04034b50
const CENTRAL_FILE = 0x02014b50
const END_OF_CENTRAL_DIRECTORY = 0x06054b50
const VERSION = 20
const UTF8_NAMES = 0x0800
const DEFLATED = 8
// 1980-01-01, the first day of a zip's calendar: the same files always make the same bytes.
const DATE = 0x0021
// Regular files made on Unix, readable or executable by all users: Lambda unpacks and runs them as different users.
const MADE_ON_UNIX = (3 << 8) | VERSION
const READABLE = 0o100644
const EXECUTABLE = 0o100755

/**
 * Returns a zip archive of files, by their names in it. Supports only the parts of the format that a function's code of
 * a few files needs.
 * @param executables names of the programs
 */
export function zip(
  files: Readonly<Record<string, Uint8Array>>,
  executables: readonly string[] = [],
): Buffer {
  const entries: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, bytes] of Object.entries(files)) {
    const path = Buffer.from(name)
    const data = deflateRawSync(bytes)
    const facts = entryFacts(path, bytes, data)
    const entry = Buffer.concat([uint32(LOCAL_FILE), facts, path, data])
    const central = Buffer.alloc(46)
    central.writeUInt32LE(CENTRAL_FILE, 0)
    central.writeUInt16LE(MADE_ON_UNIX, 4)
    facts.copy(central, 6)
    central.writeUInt32LE((executables.includes(name) ? EXECUTABLE : READABLE) * 0x1_0000, 38)
    central.writeUInt32LE(offset, 42)
    directory.push(central, path)
    entries.push(entry)
    offset += entry.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(END_OF_CENTRAL_DIRECTORY, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...entries, central, end])
}

/** Returns the 26 bytes common to a file's own header and its entry in the directory. */
function entryFacts(path: Buffer, bytes: Uint8Array, data: Buffer): Buffer {
  const facts = Buffer.alloc(26)
  facts.writeUInt16LE(VERSION, 0)
  facts.writeUInt16LE(UTF8_NAMES, 2)
  facts.writeUInt16LE(DEFLATED, 4)
  facts.writeUInt16LE(DATE, 8)
  facts.writeUInt32LE(crc32(bytes), 10)
  facts.writeUInt32LE(data.length, 14)
  facts.writeUInt32LE(bytes.length, 18)
  facts.writeUInt16LE(path.length, 22)
  return facts
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
