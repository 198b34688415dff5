import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'
import { checkPort, oneOf } from '../core/base/option-checks.js'
import { checkOptions, mustBe } from '../core/base/options.js'
import { cloudChecks, type LocalCloud, type LocalCloudOptions } from './cloud-options.js'
import type { LocalDebugStack, LocalDebugStackOptions } from './debug-stack/debug-stack-options.js'
import { type Endpoints, openEndpoints } from './endpoints.js'
import { createLocalBroker, type LocalBroker } from './iot/broker.js'
import type { LocalFunction } from './lambda/function.js'
import type { FunctionDefinition, LocalCredentials } from './lambda/function-definition.js'
import { type LambdaHost, ProcessHost } from './lambda/host.js'
import { isBucketName, type LocalBucket, S3Bucket } from './s3/bucket.js'
import type { LocalQueue, LocalQueueOptions } from './sqs/queue-options.js'
import { Queues } from './sqs/queues.js'
import { type FunctionUrl, functionUrl, INVOKE_MODES, type InvokeMode } from './triggers/function-url.js'
import { type HttpApi, httpApi } from './triggers/http-api.js'
import { createTopic, type LocalTopic } from './triggers/topic.js'

/** Makes a local cloud. Nothing listens before `open()`. @throws TetherError `INVALID_OPTION` */
export function createLocalCloud(options: LocalCloudOptions = {}): LocalCloud {
  return new ComposedCloud(options)
}

class ComposedCloud implements LocalCloud {
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalCredentials
  readonly broker: LocalBroker
  readonly #options: LocalCloudOptions
  readonly #host: string
  readonly #clock: Clock
  readonly #topics = new Map<string, LocalTopic>()
  readonly #buckets = new Map<string, S3Bucket>()
  readonly #queues: Queues
  readonly #parts: { close(): Promise<void> }[] = []
  #lambda: ProcessHost | undefined
  #endpoints: Endpoints | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: LocalCloudOptions) {
    const {
      region = 'us-east-1',
      accountId = '123456789012',
      host = '127.0.0.1',
      clock = systemClock,
    } = checkOptions('createLocalCloud', options, cloudChecks)
    this.#options = options
    this.region = region
    this.accountId = accountId
    this.#host = host
    this.#clock = clock
    this.credentials = options.credentials ?? madeUpCredentials()
    const { accessKeyId: senderId } = this.credentials
    this.#queues = new Queues({ region, accountId, senderId, clock, endpoint: () => this.sqsEndpoint })
    this.broker = createLocalBroker({
      ...options.broker,
      region,
      accountId,
      host,
      clock,
      identities: [this.credentials, ...(options.broker?.identities ?? [])],
    })
  }

  get lambda(): LambdaHost {
    return this.#lambda ?? notOpen()
  }

  get iotEndpoint(): string {
    return this.broker.webSocketUrl
  }

  get mqttUrl(): string {
    return this.broker.mqttUrl
  }

  get snsEndpoint(): string {
    return (this.#endpoints ?? notOpen()).sns
  }

  get s3Endpoint(): string {
    return (this.#endpoints ?? notOpen()).s3
  }

  get sqsEndpoint(): string {
    return (this.#endpoints ?? notOpen()).sqs
  }

  get lambdaEndpoint(): string {
    return (this.#endpoints ?? notOpen()).controlPlane.lambdaUrl
  }

  get iamEndpoint(): string {
    return (this.#endpoints ?? notOpen()).controlPlane.iamUrl
  }

  get stsEndpoint(): string {
    return (this.#endpoints ?? notOpen()).controlPlane.stsUrl
  }

  get cloudFormationEndpoint(): string {
    return (this.#endpoints ?? notOpen()).controlPlane.cloudFormationUrl
  }

  open(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    this.#opening ??= this.#open()
    return this.#opening
  }

  function(definition: FunctionDefinition): LocalFunction {
    const made = this.lambda.function(definition)
    this.#endpoints?.controlPlane.adopt(definition)
    return made
  }

  async httpApi(
    target: Pick<LocalFunction, 'invoke'>,
    options: { readonly port?: number } = {},
  ): Promise<HttpApi> {
    if (this.#closing !== undefined) throw closedError()
    checkOptions('httpApi', options, { port: checkPort })
    const { accountId } = this
    const api = await httpApi({
      ...options,
      function: target,
      host: this.#host,
      accountId,
      clock: this.#clock,
    })
    this.#parts.push(api)
    return api
  }

  async functionUrl(
    target: Pick<LocalFunction, 'name' | 'invoke' | 'invokeWithResponseStream'>,
    options: { readonly invokeMode?: InvokeMode | undefined; readonly port?: number | undefined } = {},
  ): Promise<FunctionUrl> {
    if (this.#closing !== undefined) throw closedError()
    checkOptions('functionUrl', options, { invokeMode: oneOf(...INVOKE_MODES), port: checkPort })
    const { accountId } = this
    const url = await functionUrl({
      ...options,
      function: target,
      host: this.#host,
      accountId,
      clock: this.#clock,
    })
    this.#parts.push(url)
    this.#endpoints?.controlPlane.adoptUrl({
      functionName: target.name,
      url: url.url,
      invokeMode: options.invokeMode ?? 'BUFFERED',
      madeAt: this.#clock.now(),
    })
    return url
  }

  async debugStack(options: LocalDebugStackOptions): Promise<LocalDebugStack> {
    if (this.#closing !== undefined) throw closedError()
    if (this.#lambda === undefined) notOpen()
    const { region, accountId, credentials } = this
    const { startDebugStack } = await import('./debug-stack/debug-stack.js')
    return startDebugStack(options, {
      host: this.#host,
      region,
      accountId,
      credentials,
      clock: this.#clock,
      function: (definition) => this.function(definition),
      bucket: (name) => this.bucket(name),
      own: (part) => {
        this.#parts.push(part)
        // The cloud closed while this part was starting.
        if (this.#closing !== undefined) void part.close()
      },
    })
  }

  topic(name: string): LocalTopic {
    const { region, accountId } = this
    const made = createTopic({ name, region, accountId, clock: this.#clock })
    const topic = this.#topics.get(made.arn) ?? made
    this.#topics.set(topic.arn, topic)
    return topic
  }

  queue(name: string, options?: LocalQueueOptions): LocalQueue {
    return this.#queues.queue(name, options)
  }

  bucket(name: string): LocalBucket {
    const words = "3 to 63 lower-case letters, digits, '.' or '-'"
    mustBe(words, typeof name === 'string' && isBucketName(name), 'name', name)
    const bucket = this.#buckets.get(name) ?? new S3Bucket(name, { region: this.region, clock: this.#clock })
    this.#buckets.set(name, bucket)
    return bucket
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<void> {
    await this.broker.open()
    const { region, accountId, credentials } = this
    this.#endpoints = await openEndpoints(this.#options, {
      host: this.#host,
      region,
      accountId,
      credentials,
      topics: this.#topics,
      buckets: this.#buckets,
      queues: this.#queues,
      clock: this.#clock,
      functionHost: () => this.#lambda ?? notOpen(),
    })
    this.#parts.push(this.#endpoints)
    this.#lambda = new ProcessHost({
      ...this.#options.lambda,
      region,
      accountId,
      credentials,
      clock: this.#clock,
      environment: { ...this.#endpoints.environment, ...this.#options.lambda?.environment },
    })
  }

  async #close(): Promise<void> {
    // An open() in progress finishes first, so that its parts can be closed.
    await this.#opening?.catch(() => {})
    await this.#queues.close()
    await Promise.all(this.#parts.map((part) => part.close()))
    await this.#lambda?.close()
    await this.broker.close()
  }
}

function madeUpCredentials(): LocalCredentials {
  return {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  }
}

function notOpen(): never {
  throw new TetherError('CLOSED', 'The local cloud is not open. Call open() first.')
}

function closedError(): TetherError {
  return new TetherError('CLOSED', 'The local cloud was closed.')
}
