import { resolve } from 'node:path'
import { type Cancel, type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkOptions, invalidOption } from '../../core/base/options.js'
import { goLive } from '../live/go-live.js'
import { plan } from '../live/plan.js'
import { restore } from '../restore/restore.js'
import { readJsonFile, writeJsonFile } from './baseline.js'
import { compareStacks } from './compare.js'
import { Inputs } from './inputs.js'
import { checkedTemplates, type Synthesis } from './source.js'
import {
  type InfrastructureDeployment,
  type InfrastructureEvents,
  type InfrastructureQuestion,
  type InfrastructureWatch,
  type LiveAgain,
  type WatchInfrastructureOptions,
  watchChecks,
} from './watch-options.js'

const DEBOUNCE_MS = 300

/**
 * Watches the inputs of templates, and asks (`change`) when a deployment would change more than code: a variable, a
 * right, a queue, a function. Only `question.deploy()` deploys. Runs one synthesis at a time; a newer save cancels it.
 * A declined change is not asked about again until it differs. A failure (`error`) keeps the baseline.
 *
 * Needs `@aws-cdk/cloudformation-diff`, and the packages of the source and the baseline.
 * @throws TetherError `INVALID_OPTION`
 */
export function watchInfrastructure(options: WatchInfrastructureOptions): InfrastructureWatch {
  return new Watch(checkOptions('watchInfrastructure', options, watchChecks))
}

class Watch implements InfrastructureWatch {
  readonly #options: WatchInfrastructureOptions
  readonly #clock: Clock
  readonly #inputs: Inputs
  readonly #listeners: { [E in keyof InfrastructureEvents]: Set<InfrastructureEvents[E]> } = {
    change: new Set(),
    none: new Set(),
    error: new Set(),
  }
  #timer: Cancel | undefined
  #running: { readonly controller: AbortController; readonly over: Promise<void> } | undefined
  #question: { readonly fingerprint: string; readonly controller: AbortController } | undefined
  #declined: Promise<string | undefined>
  #deploying: Promise<unknown> | undefined
  #started = false
  #closed = false

  constructor(options: WatchInfrastructureOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#inputs = new Inputs(() => this.#saved(), options.polling)
    this.#declined = readDeclined(options.declined)
    // The first check reports the error.
    this.#declined.catch(() => {})
  }

  on<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this {
    this.#listeners[event].add(listener)
    if (event === 'change' && !this.#started) this.#saved(0)
    return this
  }

  off<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this {
    this.#listeners[event].delete(listener)
    return this
  }

  async check(): Promise<void> {
    if (this.#closed) throw new TetherError('CLOSED', 'The watch over the infrastructure was closed.')
    this.#timer?.()
    this.#timer = undefined
    await this.#begin()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    this.#inputs.close()
    this.#question?.controller.abort()
    this.#running?.controller.abort()
    await this.#running?.over
    await this.#deploying?.catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Handles a save: cancels the running synthesis, which is outdated, and schedules the next for when saves have ended.
   */
  #saved(debounceMs = this.#options.debounceMs ?? DEBOUNCE_MS): void {
    if (this.#closed) return
    this.#started = true
    this.#running?.controller.abort()
    this.#timer?.()
    this.#timer = this.#clock.schedule(debounceMs, () => {
      this.#timer = undefined
      void this.#begin()
    })
  }

  async #begin(): Promise<void> {
    this.#started = true
    const before = this.#running
    before?.controller.abort()
    const controller = new AbortController()
    const over = (async () => {
      await before?.over
      // The result of a deployment in progress is the baseline of the next comparison.
      await this.#deploying?.catch(() => {})
      if (!controller.signal.aborted && !this.#closed) await this.#run(controller.signal)
    })()
    const running = { controller, over }
    this.#running = running
    await over
    if (this.#running === running) this.#running = undefined
  }

  async #run(signal: AbortSignal): Promise<void> {
    const since = this.#clock.now()
    try {
      const made = await this.#synthesise(signal)
      if (signal.aborted) return
      const isStale = this.#follow(made, since)
      const { templates } = made
      const before = await this.#options.baseline.read(Object.keys(templates), { signal })
      if (before === undefined) await this.#options.baseline.write(templates)
      const diff = await compareStacks(before ?? templates, templates, this.#options)
      const declined = await this.#declined
      if (signal.aborted) return
      await this.#tell({ diff, templates }, declined)
      if (isStale) this.#saved()
    } catch (error) {
      if (signal.aborted) return
      const { files, folders } = (error as { details?: Partial<Synthesis> }).details ?? {}
      if (files !== undefined) this.#follow({ files, folders }, since)
      await this.#emit('error', error as Error)
    }
  }

  async #synthesise(signal: AbortSignal): Promise<Synthesis> {
    const { synth } = this.#options
    if (typeof synth !== 'function') {
      const made = await synth.synth({ signal })
      return { ...made, templates: checkedTemplates(made.templates) }
    }
    return { templates: checkedTemplates(await synth({ signal })), files: [] }
  }

  /** @returns whether a file was saved while it was read */
  #follow({ files, folders }: Pick<Synthesis, 'files' | 'folders'>, since: number): boolean {
    const more = (this.#options.watch ?? []).map((path) => resolve(path))
    return this.#inputs.follow({ files: [...files, ...more], folders }, since)
  }

  async #tell(deployment: InfrastructureDeployment, declined: string | undefined): Promise<void> {
    const { diff } = deployment
    if (diff.empty) {
      this.#supersede()
      await this.#emit('none')
      return
    }
    const { fingerprint } = diff
    if (fingerprint === this.#question?.fingerprint) return
    this.#supersede()
    if (fingerprint === declined) return
    const controller = new AbortController()
    this.#question = { fingerprint, controller }
    await this.#emit('change', this.#ask(deployment, controller.signal))
  }

  #supersede(): void {
    this.#question?.controller.abort()
    this.#question = undefined
  }

  #ask(deployment: InfrastructureDeployment, signal: AbortSignal): InfrastructureQuestion {
    const { diff } = deployment
    let answered = false
    const answer = async (work: () => Promise<LiveAgain>) => {
      if (signal.aborted || answered) {
        const why = answered ? 'It was deployed already' : 'Something newer differs by now'
        throw new TetherError('ABORTED', `${why}: answer the latest change.`)
      }
      answered = true
      // The baseline is about to change, which invalidates a running comparison.
      const interrupted = this.#running
      interrupted?.controller.abort()
      const deploying = work()
      this.#deploying = deploying
      try {
        return await deploying
      } catch (error) {
        answered = false
        throw error
      } finally {
        this.#deploying = undefined
        if (interrupted !== undefined && this.#timer === undefined) this.#saved()
      }
    }
    return {
      ...deployment,
      signal,
      deploy: () =>
        answer(async () => {
          const { deploy } = this.#options
          if (deploy === undefined)
            throw invalidOption('deploy', 'is missing: pass watchInfrastructure() what deploys')
          await deploy(deployment)
          return this.#moveOn(deployment)
        }),
      deployed: () => answer(() => this.#moveOn(deployment)),
      decline: async () => {
        this.#declined = Promise.resolve(diff.fingerprint)
        const { declined } = this.#options
        if (declined !== undefined) await writeJsonFile(resolve(declined), { fingerprint: diff.fingerprint })
      },
      toString: () => String(diff),
    }
  }

  async #moveOn(deployment: InfrastructureDeployment): Promise<LiveAgain> {
    await this.#options.baseline.write(deployment.templates)
    this.#question = undefined
    const { goLive: live } = this.#options
    if (live === undefined) return {}
    const options = typeof live === 'function' ? live(deployment) : live
    const planned = await plan(options)
    // A deployment that removed the stub's variables has left its layer. restore() removes the layer before the
    // function goes live again.
    const refused = planned.functions
      .filter(({ action }) => action === 'refuse')
      .map(({ functionName }) => functionName)
    if (refused.length > 0) await restore({ ...options, functions: refused })
    return { plan: planned, report: await goLive(options) }
  }

  async #emit<E extends keyof InfrastructureEvents>(
    event: E,
    ...args: Parameters<InfrastructureEvents[E]>
  ): Promise<void> {
    for (const listener of [...this.#listeners[event]]) {
      const heard = (error: unknown) => (event === 'error' ? undefined : this.#emit('error', error as Error))
      try {
        const result = (listener as (...all: unknown[]) => unknown)(...args)
        // Not awaited: a listener that asks a person resolves much later.
        if (result instanceof Promise) result.catch(heard)
      } catch (error) {
        await heard(error)
      }
    }
  }
}

async function readDeclined(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const kept = (await readJsonFile(resolve(path))) as { fingerprint?: string } | undefined
  return kept?.fingerprint
}
