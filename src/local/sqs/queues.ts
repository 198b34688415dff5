import type { Clock } from '../../core/base/clock.js'
import { matching } from '../../core/base/option-checks.js'
import { invalidOption } from '../../core/base/options.js'
import { SqsQueue } from './queue.js'
import { type LocalQueueOptions, queueSettings } from './queue-options.js'

/** Settings shared by all queues of a cloud. */
export interface QueuesOptions {
  readonly region: string
  readonly accountId: string
  readonly senderId: string
  readonly clock: Clock
  /** Returns the URL of the SQS API. @throws TetherError `CLOSED` */
  endpoint(): string
}

const checkName = matching(
  /^[A-Za-z0-9_-]{1,80}$/,
  "1 to 80 letters, digits, '-' or '_', of a standard queue",
)

/** The queues of a cloud. */
export class Queues {
  readonly #options: QueuesOptions
  readonly #byName = new Map<string, SqsQueue>()

  constructor(options: QueuesOptions) {
    this.#options = options
  }

  /**
   * Returns the queue of that name; creates it if new. @throws TetherError `INVALID_OPTION`, also if it has other
   * options
   */
  queue(name: string, options: LocalQueueOptions | undefined): SqsQueue {
    checkName('name', name)
    const found = this.#byName.get(name)
    if (found !== undefined && options === undefined) return found
    const settings = queueSettings(options === undefined ? {} : options)
    const target = options?.deadLetterQueue
    const deadLetterQueue = target === undefined ? undefined : this.find(target.name)
    if (target !== deadLetterQueue) throw invalidOption('deadLetterQueue', 'is no queue of this cloud')
    if (found !== undefined) {
      const same = JSON.stringify(found.settings) === JSON.stringify(settings)
      if (same && found.deadLetterQueue === deadLetterQueue) return found
      throw invalidOption('name', `is that of a queue with other options: '${name}'`)
    }
    const { region, accountId, endpoint, ...shared } = this.#options
    const queue = new SqsQueue(settings, deadLetterQueue, {
      ...shared,
      name,
      region,
      arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
      url: () => `${endpoint()}/${accountId}/${name}`,
    })
    this.#byName.set(name, queue)
    return queue
  }

  find(name: string): SqsQueue | undefined {
    return this.#byName.get(name)
  }

  /** Removes a queue; ends its event sources. */
  async remove(name: string): Promise<void> {
    const found = this.#byName.get(name)
    this.#byName.delete(name)
    await found?.close()
  }

  names(): string[] {
    return [...this.#byName.keys()].sort()
  }

  /** Ends all event sources and all waits for messages. */
  async close(): Promise<void> {
    await Promise.all([...this.#byName.values()].map((queue) => queue.close()))
  }
}
