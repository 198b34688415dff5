import { createHash } from 'node:crypto'
import { partitionOf } from '../../aws/endpoints.js'
import type { Clock } from '../../core/base/clock.js'
import { S3Error } from './errors.js'
import { type ExpiryRule, expiresAt, parseLifecycle } from './lifecycle.js'

/** An object as it was put. */
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
  /** What it holds now, in S3's order. */
  keys(): string[]
  /** The bytes of an object; undefined when there is none. */
  get(key: string): Uint8Array | undefined
}

/** A bucket's objects and its lifecycle, by which objects end as on S3: at the midnight after whole days. */
export class S3Bucket implements LocalBucket {
  readonly name: string
  readonly arn: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly #clock: Clock
  readonly #objects = new Map<string, LocalObject>()
  #lifecycle: string | undefined
  #rules: readonly ExpiryRule[] = []

  constructor(name: string, clock: Clock, region = 'us-east-1') {
    this.name = name
    this.arn = `arn:${partitionOf(region)}:s3:::${name}`
    this.createdAt = clock.now()
    this.#clock = clock
  }

  keys(): string[] {
    // In the order of UTF-8, which differs from that of UTF-16 beyond the basic plane.
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

  put(key: string, body: Uint8Array, contentType: string): LocalObject {
    const etag = `"${createHash('md5').update(body).digest('hex')}"`
    const object = { body, etag, contentType, modifiedAt: this.#clock.now() }
    this.#objects.set(key, object)
    return object
  }

  delete(key: string): void {
    this.#objects.delete(key)
  }

  /** The lifecycle configuration's XML, as it was put. */
  get lifecycle(): string {
    if (this.#lifecycle === undefined) throw new S3Error('NoSuchLifecycleConfiguration')
    return this.#lifecycle
  }

  set lifecycle(xml: string) {
    this.#rules = parseLifecycle(xml)
    this.#lifecycle = xml
  }
}
