import type { TestProject } from 'vitest/node'
import { oncePerRun } from './once-per-run.js'
import { startRadosgw } from './radosgw.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that starts the run's radosgw when it is first asked, and answers with its address. */
    radosgwStarter: string
  }
}

/** One radosgw for all tests of a run: it takes ten seconds to start. */
export default async function radosgwOnce({ provide }: TestProject): Promise<() => Promise<void>> {
  const starter = await oncePerRun(startRadosgw, ({ endpoint, region, credentials }) => ({
    endpoint,
    region,
    credentials,
  }))
  provide('radosgwStarter', starter.url)
  return async () => starter[Symbol.asyncDispose]()
}
