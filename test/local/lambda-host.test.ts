import { expect, test } from 'vitest'
import { createLambdaHost } from '../../src/local/lambda-host.js'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

test('try', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'x-'))
  const file = join(dir, 'a.cjs')
  writeFileSync(file, 'let n=0; exports.handler = async (e, c) => { console.log("hi"); n++; return {n, e, left: c.getRemainingTimeInMillis(), tz: new Date().toString(), env: process.env} }')
  await using host = createLambdaHost()
  host.on('environment', (c) => console.log(c.state, c.pid, c.reason))
  host.on('log', (c) => console.log(c))
  const f = host.function({ name: 'a', bundle: file })
  for (let i = 0; i < 3; i++) {
    const t = performance.now()
    const r = await f.invoke({ a: 1 })
    console.log(performance.now() - t, { ...r, payload: Buffer.from(r.payload).toString() })
  }
})
