import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readZip, unpackZip } from '../../src/local/control-plane/unzip.js'
import { folder } from './lambda-fixture.js'

/** A zip made by Python's own library: for each entry name, text, mode and method. */
async function foreignZip(
  entries: readonly [string, string, number, 'stored' | 'deflated'][],
): Promise<Buffer> {
  const path = join(await folder({}), 'a.zip')
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    archive.comment = b"made elsewhere"
    for name, text, mode, method in json.loads(sys.argv[2]):
        entry = zipfile.ZipInfo(name)
        entry.create_system = 0 if mode == 0 else 3
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_STORED if method == "stored" else zipfile.ZIP_DEFLATED
        archive.writestr(entry, text)
`
  execFileSync('python3', ['-c', script, path, JSON.stringify(entries)])
  return readFileSync(path)
}

const MAX = 1000

describe('a zip', () => {
  test('is unpacked with its folders, permissions and links', async () => {
    const zip = await foreignZip([
      ['bin/', '', 0o40755, 'stored'],
      ['bin/run', '#!/bin/sh', 0o100755, 'deflated'],
      ['deep/er/漢.txt', 'text', 0o100640, 'stored'],
      ['dos.txt', 'dos', 0, 'stored'],
      ['link', 'bin/run', 0o120777, 'stored'],
    ])
    const target = await folder({})
    unpackZip(readZip(zip, MAX), target)
    const facts = (name: string) => {
      const path = join(target, name)
      return [readFileSync(path, 'utf8'), (statSync(path).mode & 0o777).toString(8)]
    }
    expect(facts('bin/run')).toEqual(['#!/bin/sh', '755'])
    expect(facts('deep/er/漢.txt')).toEqual(['text', '640'])
    expect(facts('dos.txt')).toEqual(['dos', '644'])
    expect(readlinkSync(join(target, 'link'))).toBe('bin/run')
  })

  test('may measure so much and not one byte more', async () => {
    const zip = await foreignZip([
      ['a', 'x'.repeat(600), 0o100644, 'deflated'],
      ['b', 'x'.repeat(400), 0o100644, 'deflated'],
    ])
    expect(readZip(zip, MAX)).toHaveLength(2)
    expect(() => readZip(zip, MAX - 1)).toThrow(/more than 999 bytes/)
  })

  test.each([
    ['/etc/name', ''],
    ['../name', ''],
    ['a/../../name', ''],
    ['link', '../other'],
    ['link', '/etc'],
  ])('with %s %s does not lead out of its folder', async (name, link) => {
    const zip = await foreignZip([[name, link, link === '' ? 0o100644 : 0o120777, 'stored']])
    const target = await folder({})
    expect(() => unpackZip(readZip(zip, MAX), target)).toThrow(/leads out/)
  })
})
