import { describe, expect, it } from 'vitest'
import { LAYER_WRAPPER, layerZip } from '../../src/deploy/index.js'
import { stubBundle } from '../../src/stub/index.js'
import { unzip } from './unzip.js'

describe('layerZip', () => {
  it.each(['iot', 'mqtt', 'api-gateway'] as const)(
    'has a program and the %s stub, the same each time',
    (name) => {
      const archive = Buffer.from(layerZip(name))
      const files = unzip(archive)
      expect([...files].map(([file, { mode }]) => [file, mode])).toEqual([
        ['lambda-tether/wrap', 0o100755],
        ['lambda-tether/wrap-preload.mjs', 0o100644],
        ['lambda-tether/wrapped.mjs', 0o100644],
        ['lambda-tether/stub.cjs', 0o100644],
      ])
      expect(`/opt/${[...files.keys()][0]}`).toBe(LAYER_WRAPPER)
      expect(files.get('lambda-tether/stub.cjs')?.bytes).toEqual(Buffer.from(stubBundle(name).bytes))
      expect(Buffer.from(layerZip(name))).toEqual(archive)
      // Of 50 MB that a zip may have, and of what a function has to unpack at each start.
      expect(archive.length).toBeLessThan(60_000)
    },
  )

  it('refuses other names', () => {
    expect(() => layerZip('kafka' as 'iot')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
