import type { Clock } from '../../core/base/clock.js'

/** A retained message, as AWS IoT describes it. */
export interface RetainedMessage {
  readonly topic: string
  /** In base64. */
  readonly payload: string
  readonly qos: number
  /** Unix milliseconds. */
  readonly lastModifiedTime: number
}

/** The retained messages of a broker by their topics, for the calls that list and read them. */
export class RetainedMessages {
  readonly #messages = new Map<string, RetainedMessage>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes a message that was published to be retained; an empty one ends that of its topic. */
  note({ topic, payload, qos }: { topic: string; payload: string | Uint8Array; qos: number }): void {
    if (payload.length === 0) {
      this.#messages.delete(topic)
      return
    }
    const base64 = Buffer.from(payload as Uint8Array).toString('base64')
    this.#messages.set(topic, { topic, payload: base64, qos, lastModifiedTime: this.#clock.now() })
  }

  get(topic: string): RetainedMessage | undefined {
    return this.#messages.get(topic)
  }

  /** Without their payloads. */
  list(): (Omit<RetainedMessage, 'payload'> & { readonly payloadSize: number })[] {
    return [...this.#messages.values()].map(({ payload, ...rest }) => ({
      ...rest,
      payloadSize: Buffer.byteLength(payload, 'base64'),
    }))
  }
}
