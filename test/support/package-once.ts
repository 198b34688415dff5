import type { TestProject } from 'vitest/node'
import { oncePerRun } from './once-per-run.js'
import { packAndInstall } from './packed-package.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that packs and installs the package when it is first asked, and answers where it lies. */
    packageInstaller: string
  }
}

/** One packed package for all tests of a run: building it with its types takes most of a minute. */
export default async function packageOnce({ provide }: TestProject): Promise<() => Promise<void>> {
  const installer = await oncePerRun(packAndInstall, ({ folder, buildFolders }) => ({ folder, buildFolders }))
  provide('packageInstaller', installer.url)
  // A run of all tests, which names none, wants it for sure: it is built beside the first of them.
  if (process.argv.slice(2).join() === 'run') void fetch(installer.url).catch(() => undefined)
  return async () => installer[Symbol.asyncDispose]()
}
