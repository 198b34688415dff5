import type { Clock } from '../../core/base/clock.js'

/** A retained message in AWS IoT's format. */
export interface RetainedMessage {
  readonly topic: string
  /** Base64. */
  readonly payload: string
  readonly qos: number
  /** Unix milliseconds. */
  readonly lastModifiedTime: number
}

/** The retained messages of a broker by topic, for the calls that list and read them. */
export class RetainedMessages {
  readonly #messages = new Map<string, RetainedMessage>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Records a retained message; an empty one removes its topic's message. */
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

  /** Lists the messages without their payloads. */
  list(): (Omit<RetainedMessage, 'payload'> & { readonly payloadSize: number })[] {
    return [...this.#messages.values()].map(({ payload, ...rest }) => ({
      ...rest,
      payloadSize: Buffer.byteLength(payload, 'base64'),
    }))
  }
}
