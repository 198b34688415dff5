import { createHash } from 'node:crypto'
import { partitionOf } from '../../aws/endpoints.js'
import type { Clock } from '../../core/base/clock.js'
import { checkText } from '../../core/base/option-checks.js'
import { mustBe } from '../../core/base/options.js'
import type { Destination } from '../lambda/asynchronous/destination.js'
import { S3Error } from './errors.js'
import { type ExpiryRule, expiresAt, parseLifecycle } from './lifecycle.js'
import { type NotificationOptions, Notifications } from './notifications.js'

/** A stored object. */
export interface LocalObject {
  readonly body: Uint8Array
  /** Quoted, as in the header. */
  readonly etag: string
  readonly contentType: string
  /** Unix milliseconds. */
  readonly modifiedAt: number
}

/** A bucket of the local cloud. */
export interface LocalBucket {
  readonly name: string
  readonly arn: string
  /** Lists the keys of its current objects, in S3's order. */
  keys(): string[]
  /** Returns the bytes of an object; undefined if there is no such object. */
  get(key: string): Uint8Array | undefined
  /**
   * Puts an object, as PutObject does. The default type is `binary/octet-stream`. @throws TetherError `INVALID_OPTION`
   */
  put(key: string, body: string | Uint8Array, contentType?: string): void
  /** Deletes an object; a missing key changes nothing. */
  delete(key: string): void
  /**
   * Notifies a function, a queue or a topic of changed objects, as S3's event notifications do. A function is invoked
   * asynchronously, with Lambda's retries and its failure destination.
   * @throws TetherError `INVALID_OPTION`, also if it overlaps with another notification, which S3 refuses
   */
  notify(destination: Destination, options: NotificationOptions): void
}

/** The surroundings of a bucket. */
export interface BucketSurroundings {
  readonly region: string
  readonly clock: Clock
}

/** A bucket's objects and its lifecycle. Objects expire as on S3: at the midnight after whole days. */
export class S3Bucket implements LocalBucket {
  readonly name: string
  readonly arn: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly #clock: Clock
  readonly #notifications: Notifications
  readonly #objects = new Map<string, LocalObject>()
  #lifecycle: string | undefined
  #rules: readonly ExpiryRule[] = []

  constructor(name: string, { clock, region }: BucketSurroundings) {
    this.name = name
    this.arn = `arn:${partitionOf(region)}:s3:::${name}`
    this.createdAt = clock.now()
    this.#clock = clock
    this.#notifications = new Notifications({ name, arn: this.arn, region, clock })
  }

  keys(): string[] {
    // Sorted by UTF-8 bytes; UTF-16 order differs beyond the basic plane.
    const live = [...this.#objects.keys()].filter((key) => this.object(key) !== undefined)
    return live.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  get(key: string): Uint8Array | undefined {
    return this.object(key)?.body
  }

  object(key: string): LocalObject | undefined {
    const found = this.#objects.get(key)
    if (found === undefined || this.#clock.now() < expiresAt(this.#rules, key, found.modifiedAt)) return found
    this.#objects.delete(key)
    return undefined
  }

  put(key: string, content: string | Uint8Array, contentType = 'binary/octet-stream'): LocalObject {
    checkText('key', key)
    mustBe('a text or bytes', typeof content === 'string' || content instanceof Uint8Array, 'body', content)
    const body = typeof content === 'string' ? Buffer.from(content) : content
    const etag = `"${createHash('md5').update(body).digest('hex')}"`
    const object = { body, etag, contentType, modifiedAt: this.#clock.now() }
    this.#objects.set(key, object)
    this.#notifications.tell({
      eventName: 'ObjectCreated:Put',
      key,
      object: { bytes: body.byteLength, etag },
    })
    return object
  }

  delete(key: string): void {
    if (this.object(key) === undefined) return
    this.#objects.delete(key)
    this.#notifications.tell({ eventName: 'ObjectRemoved:Delete', key })
  }

  notify(destination: Destination, options: NotificationOptions): void {
    this.#notifications.add(destination, options)
  }

  /** The XML of the lifecycle configuration, as it was put. */
  get lifecycle(): string {
    if (this.#lifecycle === undefined) throw new S3Error('NoSuchLifecycleConfiguration')
    return this.#lifecycle
  }

  set lifecycle(xml: string) {
    this.#rules = parseLifecycle(xml)
    this.#lifecycle = xml
  }
}

/** Whether S3 accepts a bucket name. */
export function isBucketName(name: string): boolean {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  return /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)
}
