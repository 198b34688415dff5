import type { Clock } from '../../core/base/clock.js'
import type { Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { guardReason } from './guarded-variables.js'
import { withoutLambdaFiles } from './lambda-files.js'
import { harmlessNodeOptions } from './node-options.js'
import { runtimeVariables } from './runtime-variables.js'

/** The sources of an environment. */
type Origin = Pick<Task, 'env' | 'overrides' | 'invocationEnv'> & Partial<Pick<Task, 'build'>>
type Variables = Readonly<Record<string, string | undefined>>

export interface LocalEnvironmentOptions {
  /** Names of the host's variables that local code sees; `*` matches any part of a name. */
  readonly inheritEnv: readonly string[]
  /** Names of the function's variables to pass even though they can make code run. */
  readonly allowEnv: readonly string[]
  readonly clock: Clock
  /** @default the variables of this process */
  readonly host?: Variables
  /** @default the platform of this machine */
  readonly platform?: NodeJS.Platform
}

// Without these, local code finds neither its tools nor the caches in its home.
const ALWAYS_INHERITED = ['PATH', 'HOME']
/**
 * A limit on the notices per function about omitted variables: the sender of the variables could send new names
 * forever.
 */
const MOST_NOTICES = 100
const LONGEST_NAME = 100

/**
 * The environment of local code: the function's own variables, except for variables that make code run
 * (`guarded-variables.ts`), and the host's `PATH`, `HOME` and the given names. The function's values override the
 * host's; the runtime's own variables override both, as on Lambda.
 */
export class LocalEnvironment {
  readonly #inherited: readonly string[]
  /** The given names with a `*`. */
  readonly #patterns: readonly RegExp[]
  readonly #allowed: ReadonlySet<string>
  readonly #host: Variables
  readonly #platform: NodeJS.Platform
  readonly #clock: Clock
  /** The runtime's variables, found on disk once per build. */
  readonly #ofRuntime = new WeakMap<FunctionBuild, Readonly<Record<string, string>>>()
  /** The announced names, by function id. */
  readonly #told = new Map<string, Set<string>>()

  constructor({ inheritEnv, allowEnv, clock, host, platform }: LocalEnvironmentOptions) {
    this.#host = host ?? process.env
    this.#platform = platform ?? process.platform
    this.#inherited = [...ALWAYS_INHERITED, ...inheritEnv.filter((name) => !name.includes('*'))]
    const flags = this.#platform === 'win32' ? 'is' : 's'
    this.#patterns = inheritEnv
      .filter((name) => name.includes('*'))
      .map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, flags))
    this.#clock = clock
    this.#allowed = new Set(allowEnv.map((name) => this.#key(name)))
  }

  /**
   * Returns the environment of local code, for a function with `env` variables, `overrides` of its host, and
   * `invocationEnv` for now.
   * @param origin without a build, the runtime's variables are missing
   */
  of({ env, overrides, invocationEnv, build }: Origin): Record<string, string> {
    const environment: Record<string, string> = {}
    for (const name of [...this.#inherited, ...this.#matching()]) {
      const value = this.#host[name]
      if (value !== undefined) environment[name] = value
    }
    for (const [name, value] of Object.entries(env)) {
      const admitted = this.#admit(name, value).value
      if (admitted !== undefined) environment[name] = admitted
    }
    return Object.assign(environment, build && this.#runtimeVariables(build), overrides, invocationEnv)
  }

  /**
   * Logs, as output of the task's function, the variables missing in its environment; once for each function and
   * variable.
   */
  announce(task: Origin & Pick<Task, 'functionId' | 'onLog'>): void {
    const { functionId, env, overrides, build, onLog } = task
    const set = { ...(build && this.#runtimeVariables(build)), ...overrides }
    const environment = this.of(task)
    for (const [name, value] of Object.entries(env)) {
      if (environment[name] === value || Object.hasOwn(set, name)) continue
      const told = this.#told.get(functionId) ?? new Set()
      this.#told.set(functionId, told)
      const shown = printable(name)
      if (told.has(shown) || told.size >= MOST_NOTICES) continue
      told.add(shown)
      const { value: rest, reason } = this.#admit(name, value)
      const what = rest === undefined ? shown : `Part of ${shown}`
      const text = `[lambda-tether] ${what} of the function's environment is left out: ${reason}.`
      onLog({ stream: 'stderr', text, time: this.#clock.now(), level: 'warn' })
    }
  }

  #runtimeVariables(build: FunctionBuild): Readonly<Record<string, string>> {
    const known = this.#ofRuntime.get(build)
    if (known !== undefined) return known
    const found = runtimeVariables(build)
    this.#ofRuntime.set(build, found)
    return found
  }

  #matching(): string[] {
    if (this.#patterns.length === 0) return []
    return Object.keys(this.#host).filter((name) => this.#patterns.some((pattern) => pattern.test(name)))
  }

  /** Returns the part of a variable's value that local code may see, and the reason if that is not all of it. */
  #admit(name: string, value: string): { readonly value?: string; readonly reason?: string } {
    if (!isName(name)) return { reason: 'that is not the name of a variable' }
    const reason = guardReason(name, this.#platform)
    if (reason === undefined) return { value }
    const key = this.#key(name)
    const allowed = this.#allowed.has(key)
    const rest = allowed
      ? withoutLambdaFiles(key, value)
      : key === 'NODE_OPTIONS'
        ? harmlessNodeOptions(value)
        : undefined
    if (rest === value) return { value }
    const why = allowed
      ? 'its files exist on Lambda only'
      : `${reason}. The executor's option allowEnv lets it through`
    return { ...(rest ? { value: rest } : {}), reason: why }
  }

  /** On Windows, names ignore case. */
  #key(name: string): string {
    return this.#platform === 'win32' ? name.toUpperCase() : name
  }
}

/** Whether a name is valid: with the name `LD_PRELOAD=/x:` and the value `y`, a process would see `LD_PRELOAD`. */
function isName(name: string): boolean {
  return name !== '' && !name.includes('=') && !name.includes('\0')
}

/** Makes a name from outside safe for a terminal. */
function printable(name: string): string {
  return name.slice(0, LONGEST_NAME).replace(/[^\x20-\x7e]/g, '?')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
