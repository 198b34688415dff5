import { fork } from 'node:child_process'
import { once } from 'node:events'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { profileFlags } from '../profile/flags.js'

const BENCH = fileURLToPath(new URL('..', import.meta.url))
const END_WITHIN_MS = 20_000

/**
 * Starts a party of a benchmark in a process of its own. It gets `env` and only `PATH` of this process's variables.
 * With `quiet` its output is dropped, but not its errors.
 */
export function startProcess(file, env = {}, { execArgv = [], quiet = false } = {}) {
  const path = fileURLToPath(file)
  const child = fork(path, {
    env: { PATH: process.env.PATH, ...env },
    execArgv: [...profileFlags(partOf(path)), ...execArgv],
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit', 'ipc'],
  })
  let expected = false
  const exit = once(child, 'exit')
  const died = exit.then(([code, signal]) => {
    if (expected && (code === 0 || signal === 'SIGKILL')) return
    throw new Error(`The benchmark's process ${path} ended with ${code ?? signal}.`)
  })
  // Waiting callers get the error; a process without waiting callers must not end this one.
  died.catch(() => {})
  return {
    /** Rejects when the process ends without having been told to. */
    died,
    on: (type, listener) =>
      child.on('message', (message) => {
        if (message.type === type) listener(message)
      }),
    send: (message) => child.connected && child.send(message),
    /** The next message of this type. */
    message(type) {
      const { promise, resolve } = withResolvers()
      const listener = (message) => {
        if (message.type !== type) return
        child.off('message', listener)
        resolve(message)
      }
      child.on('message', listener)
      return Promise.race([promise, died])
    },
    /** SIGKILL, without a goodbye. */
    async kill() {
      expected = true
      child.kill('SIGKILL')
      await exit
    },
    /** Lets it end by itself. @throws when it does not */
    async end() {
      expected = true
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGABRT'), END_WITHIN_MS)
      await died
      clearTimeout(timer)
    },
  }
}

// Such as `invocation-session-process`.
const partOf = (path) =>
  relative(BENCH, path)
    .replace(/\.m?js$/, '')
    .replaceAll(sep, '-')

function withResolvers() {
  let resolve
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
