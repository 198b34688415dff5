import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import { checkString } from '../../core/base/option-checks.js'
import { type Check, checkOptions, invalidOption, mustBe, required } from '../../core/base/options.js'
import { type Destination, deliver } from '../lambda/asynchronous/destination.js'
import { checkDestination } from '../lambda/asynchronous/options.js'
import { type ObjectChange, s3Event, s3TestEvent, sequencers } from './notification-event.js'

/** Filter of a bucket's notifications. */
export interface NotificationOptions {
  /** `s3:ObjectCreated:*`, `s3:ObjectRemoved:*`, or a single event of these families. */
  readonly events: readonly string[]
  /** Prefix of the keys. @default '' */
  readonly prefix?: string | undefined
  /** Suffix of the keys. @default '' */
  readonly suffix?: string | undefined
}

/** The bucket that sends notifications. */
export interface TellingBucket {
  readonly name: string
  readonly arn: string
  readonly region: string
  readonly clock: Clock
}

interface Configuration {
  readonly id: string
  readonly to: Destination
  readonly events: readonly string[]
  readonly prefix: string
  readonly suffix: string
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  ObjectCreated: ['Put', 'Post', 'Copy', 'CompleteMultipartUpload'],
  ObjectRemoved: ['Delete', 'DeleteMarkerCreated'],
}
const EVENTS = Object.entries(FAMILIES).flatMap(([family, kinds]) =>
  ['*', ...kinds].map((kind) => `s3:${family}:${kind}`),
)

/** A bucket's notifications: each change goes to at most one destination per event type. */
export class Notifications {
  readonly #bucket: TellingBucket
  readonly #configurations: Configuration[] = []
  readonly #sequencer: () => string

  constructor(bucket: TellingBucket) {
    this.#bucket = bucket
    this.#sequencer = sequencers(bucket.clock)
  }

  /** Adds a destination. @throws TetherError `INVALID_OPTION`, also if it overlaps with another, which S3 refuses */
  add(to: Destination, options: NotificationOptions): void {
    checkDestination('destination', to)
    const {
      events,
      prefix = '',
      suffix = '',
    } = checkOptions('notify', options, {
      events: required(checkEvents),
      prefix: checkString,
      suffix: checkString,
    })
    const added = { id: randomUUID(), to, events, prefix, suffix }
    const other = this.#configurations.find((one) => overlap(one, added))
    if (other !== undefined) {
      throw invalidOption(
        'events',
        `overlap with those of ${other.to.arn}: configurations on the same bucket cannot share a common event type, prefix and suffix`,
      )
    }
    this.#configurations.push(added)
    const { name, clock } = this.#bucket
    if (!('invoke' in to)) void send(to, s3TestEvent(name, clock.now()))
  }

  /** Notifies the matching destinations; does not wait for them. */
  tell(change: ObjectChange): void {
    const { name, arn, region, clock } = this.#bucket
    const sequencer = this.#sequencer()
    for (const { id: configurationId, to, events, prefix, suffix } of this.#configurations) {
      const { key, eventName } = change
      if (!key.startsWith(prefix) || !key.endsWith(suffix)) continue
      if (!events.some((event) => sharesType(event, `s3:${eventName}`))) continue
      const bucket = { name, arn, region, configurationId, sequencer, now: clock.now() }
      void send(to, s3Event(change, bucket))
    }
  }
}

const checkEvents: Check = (name, value) => {
  const words = `a list of one or more of ${EVENTS.join(', ')}`
  const holds = Array.isArray(value) && value.length > 0 && value.every((event) => EVENTS.includes(event))
  mustBe(words, holds, name, value)
}

async function send(to: Destination, event: object): Promise<void> {
  // The object exists regardless; a destination's refusal does not concern the writer.
  await deliver(to, JSON.stringify(event), { subject: 'Amazon S3 Notification' }).catch(() => {})
}

function overlap(one: Configuration, other: Configuration): boolean {
  return (
    one.events.some((event) => other.events.some((another) => sharesType(event, another))) &&
    (one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)) &&
    (one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix))
  )
}

/** Whether two event types overlap; either may be `s3:ObjectCreated:*`. */
function sharesType(one: string, other: string): boolean {
  const covers = (wide: string, narrow: string) =>
    wide === narrow || (wide.endsWith('*') && narrow.startsWith(wide.slice(0, -1)))
  return covers(one, other) || covers(other, one)
}
