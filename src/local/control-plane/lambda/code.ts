import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { zip } from '../../../deploy/zip/zip.js'
import { invalidParameter } from '../errors.js'
import { readZip, unpackZip, type ZipEntry } from '../unzip.js'

/** Uploaded code, or the uploaded content of a layer. */
export interface UploadedZip {
  readonly zip: Uint8Array
  /** Base64, as in the Lambda API. */
  readonly sha256: string
  /** Total size of its files when unpacked. */
  readonly unpackedBytes: number
}

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_ZIP_BYTES = 50 * 1024 * 1024
/** Limit for a function's code and its layers together, unpacked, in bytes. */
export const MAX_UNPACKED_BYTES = 262_144_000

/** Checks an uploaded zip as Lambda does. @throws ControlPlaneError `InvalidParameterValueException` */
export function uploadedZip(zip: Uint8Array): UploadedZip {
  if (zip.byteLength === 0) throw invalidParameter('Uploaded file must be a non-empty zip')
  if (zip.byteLength > MAX_ZIP_BYTES) {
    throw invalidParameter(
      `The zip measures ${zip.byteLength} bytes; Lambda takes ${MAX_ZIP_BYTES} in a request.`,
    )
  }
  let entries: ZipEntry[]
  try {
    entries = readZip(zip, MAX_UNPACKED_BYTES)
  } catch (error) {
    throw invalidParameter(
      `Could not unzip uploaded file. Please check your file, then try to upload again. ${(error as Error).message}`,
    )
  }
  if (entries.length === 0) throw invalidParameter('Uploaded file must be a non-empty zip')
  return describeZip(zip, entries)
}

/** Packs a bundle as an upload: a folder, or one file under the name that the handler requires. */
export function zippedBundle(bundle: string, handler: string): UploadedZip {
  const files: Record<string, Uint8Array> = {}
  const programs: string[] = []
  const add = (folder: string, prefix: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) add(path, `${prefix}${entry.name}/`)
      else if (entry.isFile()) {
        files[prefix + entry.name] = readFileSync(path)
        if ((statSync(path).mode & 0o100) !== 0) programs.push(prefix + entry.name)
      }
    }
  }
  if (statSync(bundle).isFile()) {
    const slash = handler.lastIndexOf('/')
    files[`${handler.slice(0, handler.indexOf('.', slash + 1))}${extname(bundle)}`] = readFileSync(bundle)
  } else {
    add(bundle, '')
  }
  const packed = zip(files, programs)
  return describeZip(packed, readZip(packed, Number.POSITIVE_INFINITY))
}

function describeZip(zip: Uint8Array, entries: readonly ZipEntry[]): UploadedZip {
  const unpackedBytes = entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return { zip, sha256: createHash('sha256').update(zip).digest('base64'), unpackedBytes }
}

/** The folders of unpacked uploads, one for each zip, below a common temporary folder. */
export class UnpackedZips {
  #folder: string | undefined

  /** Returns the folder of a zip's files; unpacks them on first use. */
  folderOf({ sha256, zip }: UploadedZip): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'lambda-tether-functions-'))
    const folder = join(this.#folder, Buffer.from(sha256, 'base64').toString('hex'))
    if (!existsSync(folder)) unpackZip(readZip(zip, Number.POSITIVE_INFINITY), folder)
    return folder
  }

  /** Removes all folders. */
  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}
