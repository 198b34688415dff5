import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.js'
import type { Certificates } from './tls.js'

/** Whether the real broker is here: its tests skip by name without it, and fail where real servers are required. */
export const mosquitto: boolean = findMosquitto()

export interface MosquittoOptions {
  /** Adds a TLS listener beside the plain one. */
  readonly tls?: Certificates
  /** Whether the TLS listener wants a client's certificate. */
  readonly requireCertificate?: boolean
  /** Names and passwords; anybody may connect without them. */
  readonly users?: Readonly<Record<string, string>>
  /** Lines of the access list. */
  readonly acl?: readonly string[]
  /** Further lines of mosquitto.conf. */
  readonly settings?: readonly string[]
}

/** A real broker in its own process, on free ports. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number
  /** `mqtt://127.0.0.1:port` */
  readonly url: string
  /** `mqtts://localhost:port`; needs `tls`. */
  readonly tlsUrl: string
  /** SIGKILL: no goodbye to anybody. Resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts a broker; resolves when it listens. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-mosquitto-'))
  // Started as root it would become another user, who may not look into the folder.
  await chmod(folder, 0o755)
  const remove = () => rm(folder, { recursive: true, force: true })
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const tlsPort = options.tls === undefined ? 0 : await freePort()
    const file = join(folder, 'mosquitto.conf')
    await writeFile(file, await configuration(options, folder, port, tlsPort))
    const child = spawn('mosquitto', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
    const said: string[] = []
    if (!(await listens(child, said))) {
      // Somebody else may have taken the port in between.
      if (attempt < 3 && said.join().includes('Address already in use')) continue
      await remove()
      throw new Error(`Mosquitto did not start:\n${said.join('\n')}`)
    }
    const kill = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    return {
      port,
      url: `mqtt://127.0.0.1:${port}`,
      tlsUrl: `mqtts://localhost:${tlsPort}`,
      kill,
      async [Symbol.asyncDispose]() {
        await kill()
        await remove()
      },
    }
  }
}

/** Resolves when the broker says that it runs, which it says once its listeners are open; false if it ends instead. */
function listens(child: ChildProcess, said: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      said.push(line)
      if (/mosquitto version \S+ running/.test(line)) resolve(true)
    })
    child.once('error', (error) => {
      said.push(error.message)
      resolve(false)
    })
    child.once('close', () => resolve(false))
  })
}

async function configuration(
  { tls, requireCertificate, users, acl, settings = [] }: MosquittoOptions,
  folder: string,
  port: number,
  tlsPort: number,
): Promise<string> {
  const lines = ['log_dest stderr', `listener ${port} 127.0.0.1`, 'set_tcp_nodelay true']
  if (tls !== undefined) {
    lines.push(`listener ${tlsPort} 127.0.0.1`, `cafile ${tls.files.ca}`)
    lines.push(`certfile ${tls.files.serverCert}`, `keyfile ${tls.files.serverKey}`)
    lines.push(`require_certificate ${requireCertificate ?? false}`)
  }
  lines.push(`allow_anonymous ${users === undefined}`)
  if (users !== undefined) {
    const file = join(folder, 'passwords')
    await writeFile(file, Object.entries(users).map(passwordLine).join(''), { mode: 0o644 })
    lines.push(`password_file ${file}`)
  }
  if (acl !== undefined) {
    const file = join(folder, 'access')
    await writeFile(file, [...acl, ''].join('\n'), { mode: 0o644 })
    lines.push(`acl_file ${file}`)
  }
  return [...lines, ...settings, ''].join('\n')
}

// As mosquitto_passwd writes it.
function passwordLine([name, password]: [string, string]): string {
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512')
  return `${name}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`
}

function findMosquitto(): boolean {
  if (process.env.WITHOUT_REAL_SERVERS === '1') return false
  const found = spawnSync('mosquitto', ['-h']).error === undefined
  if (!found && process.env.REQUIRE_REAL_SERVERS === '1') {
    throw new Error('REQUIRE_REAL_SERVERS is 1 and mosquitto is not on the PATH.')
  }
  return found
}
