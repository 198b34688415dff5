// The real broker, on a port it keeps when it is restarted.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../network/free-port.js'

export const hasMosquitto = () => spawnSync('mosquitto', ['-h']).error === undefined

/**
 * Mosquitto over TCP in a process of its own, by default with Nagle's algorithm on, as it is installed. `kill` ends it
 * without a goodbye; `start` brings it back, empty.
 */
export async function startMosquitto({ noDelay = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-broker-'))
  const port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay ${noDelay}\n`)
  let broker
  const start = async () => {
    broker = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
    while (!(await accepts(port))) if (broker.exitCode !== null) throw new Error('Mosquitto did not start.')
  }
  const kill = async () => {
    if (broker.exitCode !== null || broker.signalCode !== null) return
    const exit = once(broker, 'exit')
    broker.kill('SIGKILL')
    await exit
  }
  await start()
  return {
    name: 'mosquitto',
    port,
    url: `mqtt://127.0.0.1:${port}`,
    start,
    kill,
    async stop() {
      await kill()
      await rm(folder, { recursive: true })
    },
  }
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
