import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'
import { checkClock, checkPort, checkText, wholeNumber } from '../core/base/option-checks.js'
import { type Checks, checkOptions, mustBe, optionsOf } from '../core/base/options.js'
import { type ControlPlane, openControlPlane } from './control-plane/control-plane.js'
import { type ControlPlaneOptions, controlPlaneChecks } from './control-plane/gate.js'
import {
  type LocalDebugStack,
  type LocalDebugStackOptions,
  startDebugStack,
} from './debug-stack/debug-stack.js'
import type { HttpListener } from './http/listener.js'
import { createLocalBroker, type LocalBroker, type LocalBrokerOptions } from './iot/broker.js'
import { ownBrokerChecks } from './iot/broker-options.js'
import type { LocalFunction } from './lambda/function.js'
import type { FunctionDefinition, LocalCredentials } from './lambda/function-definition.js'
import { type LambdaHost, type LambdaHostOptions, ProcessHost } from './lambda/host.js'
import { runChecks } from './lambda/host-options.js'
import { checkAccountId, checkCredentials, checkIdentities } from './option-checks.js'
import { type LocalBucket, S3Bucket } from './s3/bucket.js'
import { type LocalS3Identity, s3Endpoint } from './s3/endpoint.js'
import { isBucketName } from './s3/operations.js'
import { type HttpApi, httpApi } from './triggers/http-api.js'
import { snsEndpoint } from './triggers/sns-endpoint.js'
import { createTopic, type LocalTopic } from './triggers/topic.js'

/** Options of {@link createLocalCloud}. */
export interface LocalCloudOptions {
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string | undefined
  /** The address that everything listens on. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** What developer and functions sign with; the broker accepts them and no others. @default made up */
  readonly credentials?: LocalCredentials | undefined
  /** The broker's own options; its `identities` are accepted beside `credentials`. */
  readonly broker?: Omit<LocalBrokerOptions, 'region' | 'accountId' | 'host' | 'clock'> | undefined
  /** The Lambda host's own options. */
  readonly lambda?: Omit<LambdaHostOptions, 'region' | 'accountId' | 'credentials' | 'clock'> | undefined
  /** The S3 endpoint's own options; its `identities` are accepted beside `credentials`. */
  readonly s3?:
    | {
        readonly identities?: readonly LocalS3Identity[] | undefined
        /** The most that one PUT may bring, in bytes. @default 5 GiB, S3's own */
        readonly maxObjectBytes?: number | undefined
      }
    | undefined
  /** The options of Lambda's and IAM's own APIs; their `identities` are accepted beside `credentials`. */
  readonly controlPlane?: ControlPlaneOptions | undefined
  readonly clock?: Clock | undefined
}

/** A small cloud on this machine, with AWS's own limits: an IoT broker, Lambda, HTTP APIs, topics and buckets. */
export interface LocalCloud extends AsyncDisposable {
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalCredentials
  /** Also for its events, and to cut connections. */
  readonly broker: LocalBroker
  /** Also for its events. @throws TetherError `CLOSED` before `open()` */
  readonly lambda: LambdaHost
  /**
   * `ws://127.0.0.1:<port>`, for the `iot` transport's `endpoint`. With `http:` in its place it is the endpoint of AWS IoT's data
   * client, which publishes and reads retained messages.
   * @throws TetherError `CLOSED` before `open()`
   */
  readonly iotEndpoint: string
  /** `mqtt://127.0.0.1:<port>`, without authentication. @throws TetherError `CLOSED` before `open()` */
  readonly mqttUrl: string
  /** For `AWS_ENDPOINT_URL_SNS`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly snsEndpoint: string
  /** For `AWS_ENDPOINT_URL_S3`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly s3Endpoint: string
  /** For the Lambda client's `endpoint`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly lambdaEndpoint: string
  /** For the IAM client's `endpoint`: roles and their inline policies. @throws TetherError `CLOSED` before `open()` */
  readonly iamEndpoint: string
  /** Starts to listen. @throws TetherError `MISSING_DEPENDENCY` (aedes), `UNREACHABLE` (port taken), `CLOSED` */
  open(): Promise<void>
  /** Adds a function. @throws TetherError `INVALID_OPTION`, `CLOSED` */
  function(definition: FunctionDefinition): LocalFunction
  /** Puts a function behind HTTP. @throws TetherError `UNREACHABLE` (port taken), `CLOSED` */
  httpApi(
    target: Pick<LocalFunction, 'invoke'>,
    options?: { readonly port?: number | undefined },
  ): Promise<HttpApi>
  /**
   * Starts what the `api-gateway` transport needs: a WebSocket API, the relay behind it with its table, and a bucket.
   * @throws TetherError `MISSING_DEPENDENCY` (dynalite), `INVALID_OPTION`, `CLOSED`
   */
  debugStack(options: LocalDebugStackOptions): Promise<LocalDebugStack>
  /** The topic of that name, made when it is new. @throws TetherError `INVALID_OPTION` */
  topic(name: string): LocalTopic
  /** The bucket of that name, made when it is new. @throws TetherError `INVALID_OPTION` */
  bucket(name: string): LocalBucket
  /** Ends everything; no process, socket or file is left. Idempotent. */
  close(): Promise<void>
}

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
  readonly #listeners: { close(): Promise<void> }[] = []
  #lambda: ProcessHost | undefined
  #controlPlane: ControlPlane | undefined
  #sns: HttpListener | undefined
  #s3: HttpListener | undefined
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
    return (this.#sns ?? notOpen()).url
  }

  get s3Endpoint(): string {
    return (this.#s3 ?? notOpen()).url
  }

  get lambdaEndpoint(): string {
    return (this.#controlPlane ?? notOpen()).lambdaUrl
  }

  get iamEndpoint(): string {
    return (this.#controlPlane ?? notOpen()).iamUrl
  }

  open(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    this.#opening ??= this.#open()
    return this.#opening
  }

  function(definition: FunctionDefinition): LocalFunction {
    const made = this.lambda.function(definition)
    this.#controlPlane?.adopt(definition)
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
    this.#listeners.push(api)
    return api
  }

  async debugStack(options: LocalDebugStackOptions): Promise<LocalDebugStack> {
    if (this.#closing !== undefined) throw closedError()
    if (this.#lambda === undefined) notOpen()
    const { region, accountId, credentials } = this
    return startDebugStack(options, {
      host: this.#host,
      region,
      accountId,
      credentials,
      clock: this.#clock,
      function: (definition) => this.function(definition),
      bucket: (name) => this.bucket(name),
      own: (part) => {
        this.#listeners.push(part)
        // It was being started while the cloud closed.
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

  bucket(name: string): LocalBucket {
    const words = "3 to 63 lower-case letters, digits, '.' or '-'"
    mustBe(words, typeof name === 'string' && isBucketName(name), 'name', name)
    const bucket = this.#buckets.get(name) ?? new S3Bucket(name, this.#clock, this.region)
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
    this.#sns = await snsEndpoint(this.#topics, this.#host)
    this.#listeners.push(this.#sns)
    const { region, accountId, credentials } = this
    this.#s3 = await s3Endpoint({
      ...this.#options.s3,
      host: this.#host,
      region,
      identities: [credentials, ...(this.#options.s3?.identities ?? [])],
      buckets: this.#buckets,
      clock: this.#clock,
    })
    this.#listeners.push(this.#s3)
    this.#controlPlane = await openControlPlane(this.#options.controlPlane ?? {}, {
      host: this.#host,
      region,
      accountId,
      credentials,
      buckets: this.#buckets,
      clock: this.#clock,
      functionHost: () => this.#lambda ?? notOpen(),
    })
    this.#listeners.push(this.#controlPlane)
    this.#lambda = new ProcessHost({
      ...this.#options.lambda,
      region,
      accountId,
      credentials,
      clock: this.#clock,
      environment: {
        AWS_ENDPOINT_URL_SNS: this.#sns.url,
        AWS_ENDPOINT_URL_S3: this.#s3.url,
        AWS_ENDPOINT_URL_LAMBDA: this.lambdaEndpoint,
        ...this.#options.lambda?.environment,
      },
    })
  }

  async #close(): Promise<void> {
    // What is being opened is opened first, so that it can be closed.
    await this.#opening?.catch(() => {})
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    await this.#lambda?.close()
    await this.broker.close()
  }
}

const cloudChecks: Checks<LocalCloudOptions> = {
  region: checkText,
  accountId: checkAccountId,
  host: checkText,
  credentials: checkCredentials,
  broker: optionsOf(ownBrokerChecks),
  lambda: optionsOf(runChecks),
  s3: optionsOf<NonNullable<LocalCloudOptions['s3']>>({
    identities: checkIdentities,
    maxObjectBytes: wholeNumber(0),
  }),
  controlPlane: optionsOf(controlPlaneChecks),
  clock: checkClock,
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
