import { stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { TetherError } from 'lambda-tether'

// Vite's watcher says nothing of a file's second change within 50 ms of the first.
const LOOK_AGAIN_MS = 60

/**
 * Local code out of Vite's own module graph: a plugin for the dev server, and sources for `session.serve`. Nothing is
 * written: Vite transforms, its module runner evaluates in this process, and the `inline` executor calls the handler.
 */
export function viteFunctions() {
  const listeners = new Set()
  let environment

  /** @type {import('vite').Plugin} */
  const plugin = {
    name: 'functions',
    configureServer(server) {
      environment = server.environments.ssr
    },
    hotUpdate({ file, modules, server }) {
      if (this.environment !== environment || modules.length === 0) return
      void lookAgain(server.watcher, file)
      const changed = withImporters(modules)
      for (const listener of [...listeners]) listener(changed)
      // Vite has dropped their transforms; its runner must not evaluate them by itself.
      return []
    },
  }

  /**
   * @param {string} url the module from Vite's root: `/functions/api.ts`
   * @returns {import('lambda-tether').FunctionSource}
   */
  const source = (url, exportName = 'handler') => ({
    // Evaluated here and not by the invocation, so that the `reload` event reports a broken module.
    async load() {
      try {
        const { [exportName]: handler } = await environment.runner.import(url)
        return { kind: 'module', load: async () => handler }
      } catch (error) {
        throw buildFailed(url, error)
      }
    },
    watch(onChange) {
      const listener = (changed) => {
        if ([...changed].some((module) => module.url === url)) onChange()
      }
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
  })

  return { plugin, source }
}

/** Modules with all their importers, direct and indirect. */
function withImporters(modules, found = new Set()) {
  for (const module of modules) {
    if (found.has(module)) continue
    found.add(module)
    withImporters(module.importers, found)
  }
  return found
}

async function lookAgain(watcher, file) {
  const before = await fingerprint(file)
  setTimeout(async () => {
    if ((await fingerprint(file)) !== before) watcher.emit('change', file)
  }, LOOK_AGAIN_MS).unref()
}

async function fingerprint(file) {
  const { ino, size, mtimeMs } = await stat(file).catch(() => ({}))
  return `${ino} ${size} ${mtimeMs}`
}

/** Vite's error with its place, counted from 1, as a session's events have it. */
function buildFailed(url, error) {
  const [{ loc, message } = error] = error.errors ?? []
  const text = stripVTControlCharacters(String(message ?? error))
  return new TetherError('BUILD_FAILED', `${url} could not be loaded: ${text}`, {
    cause: error,
    details: { text, ...(loc && { file: loc.file, line: loc.line, column: loc.column + 1 }) },
  })
}
