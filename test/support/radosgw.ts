import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.js'

const execute = promisify(execFile)
const PROGRAMS = ['monmaptool', 'ceph-mon', 'ceph', 'ceph-osd', 'radosgw', 'radosgw-admin']
const START_LIMIT_MS = 90_000

/** Whether a real S3 server is here: its tests skip by name without it, and fail where real servers are required. */
export const radosgw: boolean = findRadosgw()

/** Where a server listens, and who may ask it. */
export interface RadosgwAddress {
  readonly endpoint: string
  /** Of the signatures' scope: radosgw takes any. */
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A single-node Ceph with its S3 gateway, in memory. */
export interface Radosgw extends RadosgwAddress, AsyncDisposable {}

/** Starts one, which takes about ten seconds and 300 MB; resolves when it answers. */
export async function startRadosgw(): Promise<Radosgw> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-radosgw-'))
  const children: ChildProcess[] = []
  const stop = async () => {
    await Promise.all(children.map(kill))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return { ...(await start(folder, children)), [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(folder: string, children: ChildProcess[]): Promise<RadosgwAddress> {
  const [monitorPort, port] = [await freePort(), await freePort()]
  const id = randomUUID()
  const configuration = join(folder, 'ceph.conf')
  await writeFile(configuration, settings(folder, id, monitorPort, port))
  for (const name of ['mon', 'osd0', 'rgw']) await mkdir(join(folder, name))
  const run = (program: string, ...args: string[]) =>
    execute(program, ['-c', configuration, ...args], { cwd: folder, timeout: START_LIMIT_MS })
  const background = async (program: string, ...args: string[]) => {
    const file = join(folder, `${program}.out`)
    const output = await open(file, 'w')
    const child = spawn(program, ['-c', configuration, ...args, '-f'], {
      cwd: folder,
      stdio: ['ignore', output.fd, output.fd],
    })
    child.on('error', () => {})
    children.push(child)
    await output.close()
    return { child, said: () => readFile(file, 'utf8') }
  }

  await execute(
    'monmaptool',
    ['--create', '--fsid', id, '--addv', 'a', `[v2:127.0.0.1:${monitorPort}]`, 'monmap'],
    {
      cwd: folder,
    },
  )
  await run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', 'monmap')
  await background('ceph-mon', '-i', 'a')
  const osd = randomUUID()
  // Waits for the monitor by itself.
  await run('ceph', 'osd', 'new', osd)
  await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd)
  await background('ceph-osd', '-i', '0')
  const gateway = await background('radosgw', '-n', 'client.rgw')
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secretsecret' }
  const endpoint = `http://127.0.0.1:${port}`
  await answers(endpoint, gateway)
  await run(
    'radosgw-admin',
    ...['-n', 'client.rgw', 'user', 'create', '--uid=test', '--display-name=test'],
    ...[`--access-key=${credentials.accessKeyId}`, `--secret-key=${credentials.secretAccessKey}`],
  )
  return { endpoint, region: 'us-east-1', credentials }
}

/** Resolves at the first answer of any kind. */
async function answers(
  endpoint: string,
  { child, said }: { child: ChildProcess; said: () => Promise<string> },
): Promise<void> {
  const limit = AbortSignal.timeout(START_LIMIT_MS)
  for (;;) {
    try {
      await fetch(endpoint, { signal: limit })
      return
    } catch (cause) {
      if (limit.aborted || child.exitCode !== null) {
        throw new Error(`radosgw did not start:\n${await said()}`, { cause })
      }
      // It says nothing when it is ready.
      await pause(50)
    }
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

function settings(folder: string, id: string, monitorPort: number, port: number): string {
  return `[global]
fsid=${id}
mon host=[v2:127.0.0.1:${monitorPort}]
public addr=127.0.0.1
auth cluster required=none
auth service required=none
auth client required=none
osd pool default size=1
osd pool default min size=1
osd pool default pg num=8
osd crush chooseleaf type=0
mon allow pool size one=true
mon max pg per osd=4000
osd objectstore=memstore
memstore device bytes=1073741824
ms bind ipv6=false
ms mon client mode=crc
ms mon cluster mode=crc
ms mon service mode=crc
run dir=${folder}
admin socket=${folder}/$name.asok
pid file=${folder}/$name.pid
log file=${folder}/$name.log
setuser match path=
[mon.a]
mon data=${folder}/mon
[osd.0]
osd data=${folder}/osd0
[client.rgw]
rgw frontends=beast endpoint=127.0.0.1:${port}
rgw data=${folder}/rgw
rgw enable apis=s3,admin
`
}

function findRadosgw(): boolean {
  if (process.env.WITHOUT_REAL_SERVERS === '1') return false
  const folders = (process.env.PATH ?? '').split(delimiter)
  const missing = PROGRAMS.filter((program) => !folders.some((folder) => existsSync(join(folder, program))))
  if (missing.length > 0 && process.env.REQUIRE_REAL_SERVERS === '1') {
    throw new Error(`REQUIRE_REAL_SERVERS is 1 and these are not on the PATH: ${missing.join(', ')}.`)
  }
  return missing.length === 0
}
