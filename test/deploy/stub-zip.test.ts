import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stubZip } from '../../src/deploy/index.js'
import { zip } from '../../src/deploy/zip/zip.js'
import { stubBundle } from '../../src/stub/index.js'
import { unzip } from './unzip.js'

const unpacker = (() => {
  try {
    execFileSync('unzip', ['-v'])
    return true
  } catch {
    return false
  }
})()

describe('zip', () => {
  const files = {
    'index.cjs': Buffer.from('exports.handler = 1\n'.repeat(1000)),
    empty: Buffer.alloc(0),
    'src/漢.bin': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  }

  it('keeps names and bytes, smaller, readable for everyone', () => {
    const archive = zip(files)
    const read = unzip(archive)
    expect([...read.keys()]).toEqual(Object.keys(files))
    for (const [name, bytes] of Object.entries(files)) {
      expect(read.get(name)).toEqual({ bytes, mode: 0o100644 })
    }
    expect(archive.length).toBeLessThan(1000)
  })

  it.skipIf(!unpacker)('is readable by unzip (needs unzip)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lambda-tether-zip-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'a.zip'), zip(files))
    execFileSync('unzip', ['-q', 'a.zip'], { cwd: folder })
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(join(folder, name))).toEqual(bytes)
    }
  })
})

describe('stubZip', () => {
  it.each(['iot', 'mqtt'] as const)('is the %s bundle as index.cjs, the same each time', (name) => {
    const archive = Buffer.from(stubZip(name))
    expect([...unzip(archive)]).toEqual([
      ['index.cjs', { bytes: Buffer.from(stubBundle(name).bytes), mode: 0o100644 }],
    ])
    expect(Buffer.from(stubZip(name))).toEqual(archive)
  })

  it('refuses other names', () => {
    expect(() => stubZip('kafka' as 'iot')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
