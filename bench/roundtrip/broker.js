// Mosquitto over TCP where it is installed, else the package's own local broker; a process of its own either way.
import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export async function startBroker() {
  return spawnSync('mosquitto', ['-h']).error === undefined ? startMosquitto() : startLocal()
}

async function startMosquitto() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-broker-'))
  const port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const broker = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  while (!(await accepts(port))) if (broker.exitCode !== null) throw new Error('Mosquitto did not start.')
  return {
    name: 'mosquitto',
    url: `mqtt://127.0.0.1:${port}`,
    async stop() {
      broker.kill()
      await once(broker, 'exit')
      await rm(folder, { recursive: true })
    },
  }
}

async function startLocal() {
  const child = fork(fileURLToPath(new URL('./local-broker.js', import.meta.url)))
  const [url] = await once(child, 'message')
  return {
    name: 'local',
    url,
    async stop() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
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
