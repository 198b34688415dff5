/**
 * Suppresses a warning of Node 22.12, given in each thread and process that requires an ES module, as builds do with
 * packages. Users cannot act on it, and the feature is no longer experimental.
 */
export function quietRequire(process: Pick<NodeJS.Process, 'emitWarning'>): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).includes('loading ES Module in require()')) emitWarning(...args)
  }
}
