import type { Clock } from '../../core/base/clock.js'
import type { Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { guardReason } from './guarded-variables.js'
import { withoutLambdaFiles } from './lambda-files.js'
import { harmlessNodeOptions } from './node-options.js'
import { runtimeVariables } from './runtime-variables.js'

/** What an environment is made of. */
type Origin = Pick<Task, 'env' | 'overrides' | 'invocationEnv'> & Partial<Pick<Task, 'build'>>
type Variables = Readonly<Record<string, string | undefined>>

export interface LocalEnvironmentOptions {
  /** Names of the host's variables that local code sees; `*` stands for any part of a name. */
  readonly inheritEnv: readonly string[]
  /** Names of the function's variables that are let through though they can make code run. */
  readonly allowEnv: readonly string[]
  readonly clock: Clock
  /** @default this process's */
  readonly host?: Variables
  /** @default this machine's */
  readonly platform?: NodeJS.Platform
}

// Without these, much that local code starts or reads (its tools, its home's caches) cannot be found.
const ALWAYS_INHERITED = ['PATH', 'HOME']
/** Of how many variables of a function it is told that they are left out: who chooses them could go on for ever. */
const MOST_NOTICES = 100
const LONGEST_NAME = 100

/**
 * The environment that local code sees: the function's own variables but those that make code run (`guarded-variables.ts`), and
 * of the host's `PATH`, `HOME` and the names given. Where both have a name, the function's value holds. The runtime's own variables hold
 * over both, as on Lambda.
 */
export class LocalEnvironment {
  readonly #inherited: readonly string[]
  /** Those of the names that hold a `*`. */
  readonly #patterns: readonly RegExp[]
  readonly #allowed: ReadonlySet<string>
  readonly #host: Variables
  readonly #platform: NodeJS.Platform
  readonly #clock: Clock
  /** Those of the runtime: looked for on the disk, once for each build. */
  readonly #ofRuntime = new WeakMap<FunctionBuild, Readonly<Record<string, string>>>()
  /** By function id, the names that were told. */
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
   * The environment of local code whose function has `env` variables, `overrides` of its host, and `invocationEnv` for now.
   * @param origin without a build there are no variables of the runtime
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

  /** Logs as the task's function what its environment has lost, once for each function and variable. */
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

  /** What of a variable local code may see, and why not all of it. */
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

  /** Windows' names have no case. */
  #key(name: string): string {
    return this.#platform === 'win32' ? name.toUpperCase() : name
  }
}

/** Whether a name stays one: as `LD_PRELOAD=/x:` with the value `y` a process would find `LD_PRELOAD`. */
function isName(name: string): boolean {
  return name !== '' && !name.includes('=') && !name.includes('\0')
}

/** A name from outside, as a terminal may show it. */
function printable(name: string): string {
  return name.slice(0, LONGEST_NAME).replace(/[^\x20-\x7e]/g, '?')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
