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
  return async () => installer[Symbol.asyncDispose]()
}
