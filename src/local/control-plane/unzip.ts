import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'

/** A file, folder or symbolic link in a zip archive. */
export interface ZipEntry {
  /** Relative path with `/`; a folder's ends with `/`. */
  readonly name: string
  /** Unix mode with the file type; 0 if the archive was not made on Unix. */
  readonly mode: number
  readonly bytes: Buffer
}

const END_OF_CENTRAL_DIRECTORY = 0x06054b50
const CENTRAL_FILE = 0x02014b50
const LOCAL_FILE = 0x04034b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535
const UNIX = 3
const TYPE_MASK = 0o170000
const SYMLINK = 0o120000

/**
 * Reads a zip archive with stored or deflated files; supports neither encryption nor Zip64.
 * @param maxBytes limit for the total size of its files
 * @throws Error if it is not a zip, is damaged, has a path outside its folder, or is larger
 */
export function readZip(zip: Uint8Array, maxBytes: number): ZipEntry[] {
  const data = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength)
  const end = findEnd(data)
  const entries: ZipEntry[] = []
  let at = data.readUInt32LE(end + 16)
  let left = maxBytes
  for (let count = data.readUInt16LE(end + 10); count > 0; count -= 1) {
    if (data.readUInt32LE(at) !== CENTRAL_FILE) throw new Error('The zip’s directory is damaged.')
    const nameBytes = data.readUInt16LE(at + 28)
    const name = data.toString('utf8', at + 46, at + 46 + nameBytes)
    left -= data.readUInt32LE(at + 24)
    if (left < 0) throw new Error(`The zip’s files measure more than ${maxBytes} bytes.`)
    const mode = data[at + 5] === UNIX ? data.readUInt16LE(at + 40) : 0
    const bytes = contents(data, at, name)
    checkInside(name, name)
    if ((mode & TYPE_MASK) === SYMLINK) checkInside(name, resolveLink(name, bytes.toString('utf8')))
    entries.push({ name, mode, bytes })
    at += 46 + nameBytes + data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32)
  }
  return entries
}

/** Writes a zip's entries below a folder, with their permissions. */
export function unpackZip(entries: readonly ZipEntry[], folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const { name, mode, bytes } of entries) {
    const path = join(folder, name)
    if (name.endsWith('/')) {
      mkdirSync(path, { recursive: true })
      continue
    }
    mkdirSync(dirname(path), { recursive: true })
    if ((mode & TYPE_MASK) === SYMLINK) {
      symlinkSync(bytes.toString('utf8'), path)
      continue
    }
    writeFileSync(path, bytes)
    // Set afterwards: at creation, this process's umask would apply.
    chmodSync(path, mode === 0 ? 0o644 : mode & 0o777)
  }
}

function findEnd(data: Buffer): number {
  const earliest = Math.max(0, data.length - END_BYTES - MAX_COMMENT_BYTES)
  for (let at = data.length - END_BYTES; at >= earliest; at -= 1) {
    if (data.readUInt32LE(at) === END_OF_CENTRAL_DIRECTORY) return at
  }
  throw new Error('This is no zip archive.')
}

function contents(data: Buffer, central: number, name: string): Buffer {
  const method = data.readUInt16LE(central + 10)
  const checksum = data.readUInt32LE(central + 16)
  const packedBytes = data.readUInt32LE(central + 20)
  const bytes = data.readUInt32LE(central + 24)
  const local = data.readUInt32LE(central + 42)
  if (data.readUInt32LE(local) !== LOCAL_FILE) throw new Error(`'${name}' is not where the zip says.`)
  const start = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28)
  const packed = data.subarray(start, start + packedBytes)
  if (method !== 0 && method !== 8)
    throw new Error(`'${name}' is packed by method ${method}; 0 and 8 are known.`)
  const unpacked = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  if (unpacked.length !== bytes || crc32(unpacked) !== checksum) throw new Error(`'${name}' is damaged.`)
  return unpacked
}

function resolveLink(name: string, target: string): string {
  return isAbsolute(target) ? target : join(dirname(name), target)
}

function checkInside(name: string, to: string): void {
  const path = normalize(to)
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`) || to.includes('\0')) {
    throw new Error(`'${name}' leads out of the zip’s folder.`)
  }
}
