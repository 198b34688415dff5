/**
 * Node 22.12 warns in each thread and process in which an ES module is required, as builds do with packages. Nobody can do anything
 * about it, and it is no experiment any more.
 */
export function quietRequire(process: Pick<NodeJS.Process, 'emitWarning'>): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).includes('loading ES Module in require()')) emitWarning(...args)
  }
}
