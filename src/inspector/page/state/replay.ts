import { type Signal, signal } from '@preact/signals'
import type { Detail, ReplayAnswer } from '../api/contract.js'
import { invocationPath, postJson, RequestError } from '../api/request.js'

/** The last replay of the open invocation. */
export type Replayed =
  | { readonly state: 'none' }
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly result: ReplayAnswer }
  | { readonly state: 'failed'; readonly message: string }

export interface ReplayOrder {
  /** An edited event, in which masked values stand for the recorded ones. @default the recorded event */
  readonly event?: unknown
  readonly as?: 'local' | 'remote'
}

/** Replays the open invocation. */
export class Replay {
  readonly shown: Signal<Replayed> = signal({ state: 'none' })
  readonly editing = signal(false)
  #run = 0

  /** Forgets the last replay: another invocation is open. */
  reset(): void {
    this.#run++
    this.editing.value = false
    this.shown.value = { state: 'none' }
  }

  async run({ head: { id } }: Detail, request: ReplayOrder = {}): Promise<void> {
    const run = ++this.#run
    const show = (replayed: Replayed) => {
      if (run === this.#run) this.shown.value = replayed
    }
    show({ state: 'running' })
    try {
      show({ state: 'done', result: await postJson<ReplayAnswer>(invocationPath(id, '/replay'), request) })
    } catch (error) {
      const message = error instanceof RequestError ? error.message : 'The host does not answer.'
      show({ state: 'failed', message })
    }
  }
}
