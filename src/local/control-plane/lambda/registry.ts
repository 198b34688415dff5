import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { partitionOf } from '../../../aws/endpoints.js'
import type { Clock } from '../../../core/base/clock.js'
import { TetherError } from '../../../core/base/errors.js'
import type { LocalFunction } from '../../lambda/function.js'
import {
  completeDefinition,
  type FunctionDefinition,
  runtimeFamily,
} from '../../lambda/function-definition.js'
import { ControlPlaneError, invalidParameter } from '../errors.js'
import { type UnpackedZips, type UploadedZip, zippedBundle } from './code.js'
import { configurationOf, definitionOf } from './configuration.js'
import { ManagedFunction, type PublishedVersion } from './function.js'
import type { LambdaLayers } from './layers.js'
import { type AdoptedUrl, urlConfig } from './urls.js'

/** The part of a Lambda host that the control plane uses. */
export interface FunctionHost {
  function(definition: FunctionDefinition, version?: string): LocalFunction
  find(name: string, version?: string): LocalFunction | undefined
  redefine(definition: FunctionDefinition): void
  remove(name: string, version?: string): Promise<void>
}

/** The surroundings of the control plane's functions. */
export interface RegistryOptions {
  readonly region: string
  readonly accountId: string
  readonly clock: Clock
  /** Called on every use: a cloud's host is made after its endpoints. */
  host(): FunctionHost
  readonly layers: LambdaLayers
  readonly unpacked: UnpackedZips
}

/** A function, with the version that a request selects. */
export interface ResolvedFunction {
  readonly fn: ManagedFunction
  /** `$LATEST` or a number; an alias is resolved to its version. */
  readonly version: string
}

/** All functions known to the control plane: created through it, or given to the host. */
export class FunctionRegistry {
  readonly #options: RegistryOptions
  readonly #functions = new Map<string, ManagedFunction>()
  /** Functions of the host that have not been requested yet: their code is packed only then. */
  readonly #adopted = new Map<string, FunctionDefinition>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** Registers a function of the host. */
  adopt(definition: FunctionDefinition): void {
    this.#adopted.set(definition.name, definition)
  }

  /** Registers the URL of a function; without effect if the function no longer exists. */
  adoptUrl(url: AdoptedUrl): void {
    this.#materialise(url.functionName)?.urls.push(urlConfig(url, this.arnOf(url.functionName)))
  }

  add(fn: ManagedFunction): void {
    this.#functions.set(fn.name, fn)
  }

  has(name: string): boolean {
    return this.#functions.has(name) || this.#adopted.has(name)
  }

  /** Returns all functions, sorted by name. */
  all(): ManagedFunction[] {
    for (const name of this.#adopted.keys()) this.#materialise(name)
    return [...this.#functions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  arnOf(name: string): string {
    const { region, accountId } = this.#options
    return `arn:${partitionOf(region)}:lambda:${region}:${accountId}:function:${name}`
  }

  /**
   * Finds a function by name, or by partial or whole ARN, each with or without a qualifier.
   * @throws ControlPlaneError `ResourceNotFoundException`
   */
  find(nameOrArn: string, qualifier?: string): ResolvedFunction {
    const [name = '', inName] = this.#localName(nameOrArn).split(':')
    const wanted = qualifier ?? inName ?? '$LATEST'
    const fn = this.#materialise(name)
    if (!fn) throw notFound(this.arnOf(name))
    const version = fn.aliases.get(wanted)?.FunctionVersion ?? wanted
    const exists =
      version === '$LATEST' || fn.versions.some(({ configuration }) => configuration.Version === version)
    if (!exists) throw notFound(`${fn.arn}:${wanted}`)
    return { fn, version }
  }

  /** Returns the configuration and code of a version. */
  published({ fn, version }: ResolvedFunction): PublishedVersion {
    const found = fn.versions.find(({ configuration }) => configuration.Version === version)
    return found ?? { configuration: fn.configuration, code: fn.code }
  }

  async delete({ fn }: ResolvedFunction): Promise<void> {
    const host = this.#options.host()
    fn.dispose()
    this.#functions.delete(fn.name)
    const versions = fn.versions.map(({ configuration }) => configuration.Version ?? '')
    await Promise.all(['$LATEST', ...versions].map((version) => host.remove(fn.name, version)))
  }

  /**
   * Returns the host's definition for a configuration and its code; undefined if the host cannot run it.
   * @throws ControlPlaneError `InvalidParameterValueException` if the host refuses it
   */
  definition(
    fn: ManagedFunction,
    configuration: FunctionConfiguration,
    code: UploadedZip | undefined,
  ): FunctionDefinition | undefined {
    if (code === undefined || runtimeFamily(configuration.Runtime ?? '') === undefined) return undefined
    const { unpacked, layers } = this.#options
    const { origin } = fn
    const definition = definitionOf(
      configuration,
      {
        // Code that was never uploaded runs from its own folder, with that folder's permissions and later changes.
        bundle: fn.isOrigin(code) && origin !== undefined ? origin.bundle : unpacked.folderOf(code),
        layers: (configuration.Layers ?? []).map(({ Arn = '' }) => unpacked.folderOf(layers.kept(Arn).zip)),
        concurrency: fn.reservedConcurrency,
      },
      origin,
    )
    try {
      completeDefinition(definition)
    } catch (error) {
      if (error instanceof TetherError) throw invalidParameter(error.message)
      throw error
    }
    return definition
  }

  /** Cancels all changes in progress. */
  dispose(): void {
    for (const fn of this.#functions.values()) fn.dispose()
  }

  #materialise(name: string): ManagedFunction | undefined {
    const definition = this.#adopted.get(name)
    if (definition !== undefined) {
      this.#adopted.delete(name)
      const { accountId, clock } = this.#options
      const code = zippedBundle(definition.bundle, definition.handler ?? 'index.handler')
      const configuration = {
        ...configurationOf(definition, this.arnOf(name), accountId),
        CodeSha256: code.sha256,
        CodeSize: code.zip.byteLength,
      }
      this.#functions.set(name, new ManagedFunction(configuration, code, clock, definition))
    }
    return this.#functions.get(name)
  }

  #localName(nameOrArn: string): string {
    for (const prefix of [this.arnOf(''), `${this.#options.accountId}:function:`]) {
      if (nameOrArn.startsWith(prefix)) return nameOrArn.slice(prefix.length)
    }
    if (/^[a-zA-Z0-9-_]{1,64}(:(\$LATEST|[a-zA-Z0-9-_]+))?$/.test(nameOrArn)) return nameOrArn
    throw notFound(nameOrArn)
  }
}

function notFound(arn: string): ControlPlaneError {
  return new ControlPlaneError('ResourceNotFoundException', `Function not found: ${arn}`, { Type: 'User' })
}
