import type {
  CreateFunctionRequest,
  FunctionConfiguration,
  GetFunctionResponse,
  ListFunctionsResponse,
  UpdateFunctionCodeRequest,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda'
import type { Clock } from '../../../core/base/clock.js'
import { defined } from '../../../core/base/defined.js'
import type { S3Bucket } from '../../s3/bucket.js'
import { ControlPlaneError, invalidParameter } from '../errors.js'
import type { ControlPlaneOptions } from '../gate.js'
import { checkConfiguration, checkLayers } from './checks.js'
import { type UploadedZip, uploadedZip } from './code.js'
import { configurationChanges, defaultConfiguration } from './configuration.js'
import { ManagedFunction } from './function.js'
import type { LambdaLayers, LayerVersion } from './layers.js'
import { pageOf } from './page.js'
import type { FunctionHost, FunctionRegistry, ResolvedFunction } from './registry.js'

/** Options of {@link FunctionOperations}. */
export interface FunctionOperationOptions {
  readonly registry: FunctionRegistry
  readonly layers: LambdaLayers
  readonly buckets: ReadonlyMap<string, S3Bucket>
  readonly clock: Clock
  readonly updateMs: number
  readonly failUpdate: ControlPlaneOptions['failUpdate']
  readonly staleReads: number
  readonly deniedKeys: readonly string[]
  host(): FunctionHost
  /** Returns a URL that serves these bytes for ten minutes. */
  link(zip: Uint8Array): string
}

/** A request's body in JSON: bytes are base64. */
type Wire<T> = { readonly [K in keyof T]: T[K] extends Uint8Array | undefined ? string | undefined : T[K] }
type CodeInput = Wire<Pick<UpdateFunctionCodeRequest, 'ZipFile' | 'S3Bucket' | 'S3Key' | 'ImageUri'>>

// Members that ListFunctions omits.
const NOT_LISTED = ['State', 'StateReason', 'StateReasonCode', 'LastUpdateStatus', 'LastUpdateStatusReason']

/** Lambda's operations on functions. Each throws ControlPlaneError. */
export class FunctionOperations {
  readonly #options: FunctionOperationOptions

  constructor(options: FunctionOperationOptions) {
    this.#options = options
  }

  create(input: Omit<CreateFunctionRequest, 'Code'> & { readonly Code?: CodeInput }): FunctionConfiguration {
    const { registry, clock, updateMs } = this.#options
    const { FunctionName: name = '', Code = {}, PackageType = 'Zip', Tags = {}, Publish } = input
    if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) throw invalidParameter(`'${name}' is no function name.`)
    if (registry.has(name)) {
      throw new ControlPlaneError('ResourceConflictException', `Function already exist: ${name}`)
    }
    refusePublish(Publish)
    checkConfiguration(input)
    if (PackageType === 'Zip' && (input.Runtime === undefined || input.Handler === undefined)) {
      throw invalidParameter(
        'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
      )
    }
    const code = PackageType === 'Image' ? undefined : this.code(Code)
    const layers = this.#layersOf(input.Layers ?? [], code)
    const fn = new ManagedFunction(
      {
        ...defaultConfiguration(name, registry.arnOf(name)),
        ...configurationChanges(input, layers),
        PackageType,
        ...(code === undefined
          ? { CodeSha256: '', CodeSize: 0 }
          : { CodeSha256: code.sha256, CodeSize: code.zip.byteLength }),
      },
      code,
      clock,
    )
    if (Code.ImageUri !== undefined) fn.imageUri = Code.ImageUri
    for (const [key, value] of Object.entries(Tags)) fn.tags.set(key, value)
    const definition = registry.definition(fn, fn.configuration, code)
    if (definition !== undefined) this.#options.host().function(definition)
    registry.add(fn)
    fn.create(updateMs)
    return fn.configuration
  }

  get(found: ResolvedFunction): GetFunctionResponse {
    const { fn } = found
    const { code } = this.#options.registry.published(found)
    return {
      Configuration: this.configuration(found),
      Code:
        code === undefined
          ? { RepositoryType: 'ECR', ImageUri: fn.imageUri, ResolvedImageUri: fn.imageUri }
          : { RepositoryType: 'S3', Location: this.#options.link(code.zip) },
      ...(fn.tags.size === 0 ? {} : { Tags: Object.fromEntries(fn.tags) }),
      ...(fn.reservedConcurrency === undefined
        ? {}
        : { Concurrency: { ReservedConcurrentExecutions: fn.reservedConcurrency } }),
    }
  }

  configuration(found: ResolvedFunction): FunctionConfiguration {
    const { registry, staleReads } = this.#options
    const { fn, version } = found
    return this.#told(version === '$LATEST' ? fn.read(staleReads) : registry.published(found).configuration)
  }

  updateConfiguration(
    { fn }: ResolvedFunction,
    input: Omit<UpdateFunctionConfigurationRequest, 'FunctionName'>,
  ): FunctionConfiguration {
    checkConfiguration(input)
    fn.checkSettled()
    fn.checkRevision(input.RevisionId)
    const layers = input.Layers && this.#layersOf(input.Layers, fn.code)
    this.#change(fn, configurationChanges(input, layers))
    return this.#told(fn.configuration)
  }

  updateCode(
    { fn }: ResolvedFunction,
    input: CodeInput & Pick<UpdateFunctionCodeRequest, 'RevisionId' | 'DryRun' | 'Publish' | 'Architectures'>,
  ): FunctionConfiguration {
    refusePublish(input.Publish)
    if (fn.code === undefined) {
      throw invalidParameter('Please provide ImageUri when updating a function with packageType Image.')
    }
    const code = this.code(input)
    fn.checkSettled()
    fn.checkRevision(input.RevisionId)
    this.#layersOf(
      (fn.configuration.Layers ?? []).map(({ Arn = '' }) => Arn),
      code,
      true,
    )
    if (input.DryRun !== true) {
      this.#change(fn, input.Architectures ? { Architectures: input.Architectures } : {}, code)
      return this.#told(fn.configuration)
    }
    return { ...this.#told(fn.configuration), CodeSha256: code.sha256, CodeSize: code.zip.byteLength }
  }

  list(query: ReadonlyMap<string, string>): ListFunctionsResponse {
    const withVersions = query.get('FunctionVersion') === 'ALL'
    const all = this.#options.registry
      .all()
      .flatMap((fn) => [
        fn.configuration,
        ...(withVersions ? fn.versions.map(({ configuration }) => configuration) : []),
      ])
    const { items, ...next } = pageOf(all, query)
    return { Functions: items.map((one) => listed(this.#told(one))), ...next }
  }

  setConcurrency({ fn }: ResolvedFunction, reserved: number | undefined): object {
    fn.reservedConcurrency = reserved
    // A change in progress will apply it.
    if (fn.configuration.LastUpdateStatus !== 'InProgress') this.#apply(fn)
    return reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved }
  }

  /** Reads the code of a request: a zip, or an object in a bucket. */
  code({ ZipFile, S3Bucket: bucketName, S3Key: key = '', ImageUri }: CodeInput): UploadedZip {
    if (ImageUri !== undefined) throw invalidParameter('ImageUri goes with the package type Image only.')
    if (ZipFile !== undefined) return uploadedZip(Buffer.from(ZipFile, 'base64'))
    if (bucketName === undefined) throw invalidParameter('Please provide a source for function code.')
    const object = this.#options.buckets.get(bucketName)?.object(key)
    if (object) return uploadedZip(object.body)
    throw invalidParameter(
      'Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.',
    )
  }

  /** Removes variables encrypted with a key that the caller may not use. */
  #told(configuration: FunctionConfiguration): FunctionConfiguration {
    const { KMSKeyArn = '', Environment } = configuration
    if (Environment === undefined || !this.#options.deniedKeys.includes(KMSKeyArn)) return configuration
    const Message = `Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings. KMS Exception: AccessDeniedException KMS Message: The caller is not authorized to perform: kms:Decrypt on resource: ${KMSKeyArn}`
    return { ...configuration, Environment: { Error: { ErrorCode: 'AccessDeniedException', Message } } }
  }

  #layersOf(arns: readonly string[], code: UploadedZip | undefined, present = false): LayerVersion[] {
    const { layers } = this.#options
    const found = arns.map((arn) => (present ? layers.kept(arn) : layers.byArn(arn)))
    checkLayers(found, code)
    return found
  }

  #change(fn: ManagedFunction, configuration: FunctionConfiguration, code?: UploadedZip): void {
    const { registry, updateMs } = this.#options
    // Checked before the change, so that the host's refusals come from this call.
    registry.definition(fn, { ...fn.configuration, ...configuration }, code ?? fn.code)
    fn.change(defined({ configuration, code }), updateMs, () => {
      const reason = this.#options.failUpdate?.(fn.name)
      if (reason !== undefined) throw new Error(reason)
      this.#apply(fn)
    })
  }

  #apply(fn: ManagedFunction): void {
    const host = this.#options.host()
    const definition = this.#options.registry.definition(fn, fn.configuration, fn.code)
    if (definition === undefined) void host.remove(fn.name)
    else if (host.find(fn.name) === undefined) host.function(definition)
    else host.redefine(definition)
  }
}

function refusePublish(publish: boolean | undefined): void {
  if (publish !== true) return
  throw invalidParameter('The local Lambda API does not publish along with a change. Call PublishVersion.')
}

function listed(configuration: FunctionConfiguration): FunctionConfiguration {
  return Object.fromEntries(Object.entries(configuration).filter(([key]) => !NOT_LISTED.includes(key)))
}
