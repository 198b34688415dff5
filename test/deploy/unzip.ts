import { crc32, inflateRawSync } from 'node:zlib'

/** The files of a zip archive, read from its directory as Lambda does, with their Unix permissions. */
export function unzip(archive: Buffer): Map<string, { bytes: Buffer; mode: number }> {
  const end = archive.length - 22
  if (archive.readUInt32LE(end) !== 0x06054b50) throw new Error('no zip archive, or one with a comment')
  const files = new Map<string, { bytes: Buffer; mode: number }>()
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error(`no directory entry at ${at}`)
    const [method, crc] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 16)]
    const [packed, size] = [archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 24)]
    const nameLength = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    const local = archive.readUInt32LE(at + 42)
    if (archive.readUInt32LE(local) !== 0x04034b50) throw new Error(`'${name}' is not at ${local}`)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const data = archive.subarray(start, start + packed)
    const bytes = method === 8 ? inflateRawSync(data) : data
    if (bytes.length !== size || crc32(bytes) !== crc) throw new Error(`'${name}' is damaged`)
    files.set(name, { bytes, mode: archive.readUInt32LE(at + 38) >>> 16 })
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}
