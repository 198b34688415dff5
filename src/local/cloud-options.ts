import type { Clock } from '../core/base/clock.js'
import { checkClock, checkText, wholeNumber } from '../core/base/option-checks.js'
import { type Checks, optionsOf } from '../core/base/options.js'
import { type ControlPlaneOptions, controlPlaneChecks } from './control-plane/gate.js'
import type { LocalDebugStack, LocalDebugStackOptions } from './debug-stack/debug-stack-options.js'
import type { LocalBroker, LocalBrokerOptions } from './iot/broker.js'
import { ownBrokerChecks } from './iot/broker-options.js'
import type { LocalFunction } from './lambda/function.js'
import type { FunctionDefinition, LocalCredentials } from './lambda/function-definition.js'
import type { LambdaHost, LambdaHostOptions } from './lambda/host.js'
import { runChecks } from './lambda/host-options.js'
import { checkAccountId, checkCredentials, checkIdentities } from './option-checks.js'
import type { LocalBucket } from './s3/bucket.js'
import type { LocalS3Identity } from './s3/endpoint.js'
import type { LocalQueue, LocalQueueOptions } from './sqs/queue-options.js'
import type { FunctionUrl, InvokeMode } from './triggers/function-url.js'
import type { HttpApi } from './triggers/http-api.js'
import type { LocalTopic } from './triggers/topic.js'

/** Options of `createLocalCloud`. */
export interface LocalCloudOptions {
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string | undefined
  /** The address that all servers listen on. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** Credentials of the developer and the functions; the broker accepts only these. @default random */
  readonly credentials?: LocalCredentials | undefined
  /** Options of the broker; accepts its `identities` beside `credentials`. */
  readonly broker?: Omit<LocalBrokerOptions, 'region' | 'accountId' | 'host' | 'clock'> | undefined
  /** Options of the Lambda host. */
  readonly lambda?: Omit<LambdaHostOptions, 'region' | 'accountId' | 'credentials' | 'clock'> | undefined
  /** Options of the S3 endpoint; accepts its `identities` beside `credentials`. */
  readonly s3?:
    | {
        readonly identities?: readonly LocalS3Identity[] | undefined
        /** Largest PUT, in bytes. @default 5 GiB, S3's own */
        readonly maxObjectBytes?: number | undefined
      }
    | undefined
  /** Options of the SQS endpoint; accepts its `identities` beside `credentials`. */
  readonly sqs?: { readonly identities?: readonly LocalCredentials[] | undefined } | undefined
  /** Options of the APIs of Lambda, IAM, STS and CloudFormation; accepts their `identities` beside `credentials`. */
  readonly controlPlane?: ControlPlaneOptions | undefined
  readonly clock?: Clock | undefined
}

/** A small cloud on this machine, with AWS's own limits: an IoT broker, Lambda, HTTP APIs, topics, queues and buckets. */
export interface LocalCloud extends AsyncDisposable {
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalCredentials
  /** The IoT broker. Emits events, and can cut connections. */
  readonly broker: LocalBroker
  /** The Lambda host. Emits events. @throws TetherError `CLOSED` before `open()` */
  readonly lambda: LambdaHost
  /**
   * `ws://127.0.0.1:<port>`, for the `iot` transport's `endpoint`. With `http:` instead, it is the endpoint of AWS
   * IoT's data client, which publishes and reads retained messages.
   * @throws TetherError `CLOSED` before `open()`
   */
  readonly iotEndpoint: string
  /** `mqtt://127.0.0.1:<port>`, without authentication. @throws TetherError `CLOSED` before `open()` */
  readonly mqttUrl: string
  /** For `AWS_ENDPOINT_URL_SNS`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly snsEndpoint: string
  /** For `AWS_ENDPOINT_URL_S3`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly s3Endpoint: string
  /** For `AWS_ENDPOINT_URL_SQS`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly sqsEndpoint: string
  /** For the Lambda client's `endpoint`; functions have it already. @throws TetherError `CLOSED` before `open()` */
  readonly lambdaEndpoint: string
  /** For the IAM client's `endpoint`: roles and their inline policies. @throws TetherError `CLOSED` before `open()` */
  readonly iamEndpoint: string
  /** For the STS client's `endpoint`: GetCallerIdentity. @throws TetherError `CLOSED` before `open()` */
  readonly stsEndpoint: string
  /** For the CloudFormation client's `endpoint`: stacks of the debug stack's template, of functions, roles, buckets and queues. @throws TetherError `CLOSED` before `open()` */
  readonly cloudFormationEndpoint: string
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
   * Gives a function a URL, as Lambda does: `RESPONSE_STREAM` sends streamed output as it arrives. Lambda's API lists
   * the URL.
   * @throws TetherError `INVALID_OPTION`, `UNREACHABLE` (port taken), `CLOSED`
   */
  functionUrl(
    target: Pick<LocalFunction, 'name' | 'invoke' | 'invokeWithResponseStream'>,
    options?: {
      /** @default 'BUFFERED' */
      readonly invokeMode?: InvokeMode | undefined
      /** @default 0, a free one */
      readonly port?: number | undefined
    },
  ): Promise<FunctionUrl>
  /**
   * Starts a backend for the `api-gateway` transport: a WebSocket API, the relay behind it with its table, and a
   * bucket.
   * @throws TetherError `MISSING_DEPENDENCY` (dynalite), `INVALID_OPTION`, `CLOSED`
   */
  debugStack(options: LocalDebugStackOptions): Promise<LocalDebugStack>
  /** Returns the topic of that name; creates it if new. @throws TetherError `INVALID_OPTION` */
  topic(name: string): LocalTopic
  /**
   * Returns the queue of that name; creates it if new.
   * @throws TetherError `INVALID_OPTION`, also if it exists with other options
   */
  queue(name: string, options?: LocalQueueOptions): LocalQueue
  /** Returns the bucket of that name; creates it if new. @throws TetherError `INVALID_OPTION` */
  bucket(name: string): LocalBucket
  /** Shuts everything down; leaves no process, socket or file. Idempotent. */
  close(): Promise<void>
}

/** A check for each of {@link LocalCloudOptions}. */
export const cloudChecks: Checks<LocalCloudOptions> = {
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
  sqs: optionsOf<NonNullable<LocalCloudOptions['sqs']>>({ identities: checkIdentities }),
  controlPlane: optionsOf(controlPlaneChecks),
  clock: checkClock,
}
