import { nodeOptionWords, unquoted } from '../environment/node-options.js'

type Variables = Readonly<Record<string, string | undefined>>

/** A debugger that attaches to child processes, through a preloaded module and variables for that module. */
interface Debugger {
  readonly module: RegExp
  readonly variable: RegExp
}

const DEBUGGERS: readonly Debugger[] = [
  // VS Code: its launch configurations, its JavaScript Debug Terminal, and auto attach.
  { module: /^bootloader\.c?js$/, variable: /^VSCODE_INSPECTOR_OPTIONS$/ },
  // JetBrains: some releases have their number in the module's name.
  { module: /^debugConnector[\w.]*\.c?js$/, variable: /^(?:JB|JETBRAINS)_/ },
]

/**
 * Returns the variables that a Node process needs for the host's debugger to attach to it; empty if the host runs
 * without a debugger. From the host's `NODE_OPTIONS` takes only the debugger's own module: ports, loaders and limits
 * belong to the host. Keeps the function's own `NODE_OPTIONS`.
 */
export function debuggerVariables(host: Variables, own: Variables): Record<string, string> {
  const modules = requiredModules(host.NODE_OPTIONS ?? '')
  for (const { module, variable } of DEBUGGERS) {
    const path = modules.find((required) => module.test(required.replace(/^.*[\\/]/, '')))
    const found = Object.entries(host).filter(([name]) => variable.test(name)) as [string, string][]
    if (path === undefined || found.length === 0) continue
    const options = `--require ${JSON.stringify(path)} ${own.NODE_OPTIONS ?? ''}`
    return { ...Object.fromEntries(found), NODE_OPTIONS: options.trim() }
  }
  return {}
}

/** Returns the modules that `NODE_OPTIONS` makes Node require. */
function requiredModules(options: string): string[] {
  const words = nodeOptionWords(options).map(unquoted)
  return words.flatMap((word, index) => {
    if (word === '--require' || word === '-r') return words[index + 1] ?? []
    return word.startsWith('--require=') ? word.slice('--require='.length) : []
  })
}
