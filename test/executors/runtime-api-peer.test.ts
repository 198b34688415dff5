import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RuntimeApi } from '../../src/executors/runtime-api/server.js'
import { isOtherUser, isStranger, type ReadTable } from '../../src/network/peer-user.js'

const NOBODY = 65_534
const run = promisify(execFile)

async function runtimeApi(base = '') {
  const api = new RuntimeApi({}, base)
  await api.open()
  onTestFinished(() => api.close())
  const answer = api.invoke({
    requestId: 'r-1',
    event: Buffer.from('{"secret":"event"}'),
    deadline: Date.now() + 60_000,
    functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:fn',
  })
  answer.catch(() => {})
  return { api, answer, url: `http://${api.address}/2018-06-01/runtime/invocation` }
}

/** What a process of the user gets, by the same calls as a runtime's. */
const READ = `const answer = await fetch(process.argv[1] + '/next'); console.log(answer.status, await answer.text())`
const ANSWER = `const body = JSON.stringify('forged')
  const answer = await fetch(process.argv[1] + '/r-1/response', { method: 'POST', body }); console.log(answer.status)`
const asUser = async (uid: number | undefined, source: string, url: string) =>
  (
    await run(process.execPath, ['--input-type=module', '-e', source, url], { uid, cwd: '/', env: {} })
  ).stdout.trim()

// Only root may start processes of other users; without it the table below stands for them.
describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'another user of this machine (needs root)',
  () => {
    test('cannot read an event, nor answer it', async () => {
      const { answer, url } = await runtimeApi()
      const refused =
        '403 {"errorType":"Forbidden","errorMessage":"This Runtime API serves processes of user 0 and of root only."}'
      expect(await asUser(NOBODY, READ, url)).toBe(refused)
      // The event waits for the runtime still.
      expect(await asUser(undefined, READ, url)).toBe('200 {"secret":"event"}')
      expect(await asUser(NOBODY, ANSWER, url)).toBe('403')
      expect(await asUser(undefined, ANSWER.replace('forged', 'right'), url)).toBe('202')
      expect(await answer).toMatchObject({ body: Buffer.from('"right"') })
    })

    test('cannot answer by being gone before its user is looked up', async () => {
      const { api, answer, url } = await runtimeApi()
      expect(await asUser(undefined, READ, url)).toContain('200')
      const [host, port] = api.address.split(':')
      const source = `
      const body = '"forged"'
      const socket = require('node:net').connect(${port}, '${host}', () => {
        socket.write('POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\\r\\nHost: ${api.address}\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body, () => process.exit())
      })`
      // This event loop stands still until that process is gone.
      expect(spawnSync(process.execPath, ['-e', source], { uid: NOBODY, cwd: '/', env: {} }).status).toBe(0)
      expect(await asUser(undefined, ANSWER.replace('forged', 'right'), url)).toBe('202')
      expect(await answer).toMatchObject({ body: Buffer.from('"right"') })
    })
  },
)

test('a process of the same user is served, over IPv4 and mapped addresses', async () => {
  const { api } = await runtimeApi()
  const port = Number(api.address.split(':')[1])
  for (const host of ['127.0.0.1', '::ffff:127.0.0.1']) {
    const socket = connect(port, host)
    onTestFinished(() => void socket.destroy())
    socket.write(`GET /nothing HTTP/1.1\r\nHost: ${api.address}\r\n\r\n`)
    const [reply] = await once(socket, 'data')
    expect(String(reply)).toMatch(/^HTTP\/1\.1 404 /)
  }
})

test('only a caller with the secret path is served', async () => {
  const { api } = await runtimeApi('/a-secret')
  const [host] = api.address.split('/')
  expect((await fetch(`http://${host}/2018-06-01/runtime/invocation/next`)).status).toBe(404)
  expect((await fetch(`http://${host}/a-secre/2018-06-01/runtime/invocation/next`)).status).toBe(404)
  const right = await fetch(`http://${api.address}/2018-06-01/runtime/invocation/next`)
  expect(await right.text()).toBe('{"secret":"event"}')
})

/** Both ends of a real connection, and what the system says of it. */
async function connection() {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void client.destroy())
  const [accepted] = (await once(server, 'connection')) as [Socket]
  onTestFinished(() => void accepted.destroy())
  return { accepted, client }
}

describe('the table of sockets', () => {
  const HEAD =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const ends = {
    remoteAddress: '127.0.0.1',
    remotePort: 0xc001,
    localAddress: '127.0.0.1',
    localPort: 0x1f90,
  }
  const row = (local: string, remote: string, uid: number, inode = 77) =>
    `   0: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0\n`
  const near = '0100007F:C001'
  const far = '0100007F:1F90'
  const listening = row(far, '00000000:0000', 1000)
  const V6 = '0000000000000000FFFF0000'
  const table =
    (tcp: string, tcp6 = ''): ReadTable =>
    (name) =>
      HEAD + (name === 'tcp' ? listening + tcp : tcp6)

  test.each<[string, string, string, boolean]>([
    ['the same user', row(near, far, 1000), '', false],
    ['root', row(near, far, 0), '', false],
    ['another user', row(near, far, 1001), '', true],
    ['the same user, over IPv6', '', row(V6 + near, V6 + far, 1000), false],
    ['another user, over IPv6', '', row(V6 + near, V6 + far, 1001), true],
    ['a socket that its process has closed', row(near, far, 0, 0), '', true],
    ['a socket that is not there', row(far, near, 1000) + row('0200007F:C001', far, 1000), '', true],
  ])('%s', (name, tcp, tcp6, stranger) => {
    expect(isStranger(ends, 1000, table(tcp, tcp6))).toBe(stranger)
    const isKnown = name !== 'a socket that is not there'
    expect(isOtherUser(ends, 1000, table(tcp, tcp6))).toBe(stranger && isKnown)
  })

  test('a system without IPv6 has one only', () => {
    const only =
      (tcp: string): ReadTable =>
      (name) => {
        if (name === 'tcp6') throw new Error('ENOENT')
        return HEAD + listening + tcp
      }
    expect(isStranger(ends, 1000, only(row(near, far, 1000)))).toBe(false)
    expect(isStranger(ends, 1000, only(row(near, far, 1001)))).toBe(true)
  })

  test('makes no peer a stranger if it lacks this process’s own socket', () => {
    expect(isStranger(ends, 1000, () => HEAD)).toBe(false)
  })

  test('makes no peer a stranger if it does not exist', () => {
    const none = () => {
      throw new Error('ENOENT')
    }
    expect(isStranger(ends, 1000, none)).toBe(false)
  })

  test.runIf(process.platform === 'linux')(
    'shows on this system that a connection of this process belongs to its user (needs Linux)',
    async () => {
      const { accepted } = await connection()
      expect(isStranger(accepted)).toBe(false)
      // Root is root everywhere; anybody else is nobody's friend.
      if (process.geteuid?.() !== 0) expect(isStranger(accepted, NOBODY)).toBe(true)
    },
  )
})
