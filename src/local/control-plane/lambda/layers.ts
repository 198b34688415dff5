import type {
  LayerVersionsListItem,
  ListLayersResponse,
  ListLayerVersionsResponse,
  PublishLayerVersionRequest,
} from '@aws-sdk/client-lambda'
import { partitionOf } from '../../../aws/endpoints.js'
import type { Clock } from '../../../core/base/clock.js'
import { ControlPlaneError, invalidParameter } from '../errors.js'
import type { UploadedZip } from './code.js'
import { pageOf } from './page.js'

/** A version of a layer; it does not change. */
export interface LayerVersion {
  readonly arn: string
  readonly zip: UploadedZip
  readonly layerArn: string
  /** Description for lists. */
  readonly description: LayerVersionsListItem
}

/** Layers and their versions. A function keeps a version after its deletion. */
export class LambdaLayers {
  readonly #arnPrefix: string
  readonly #clock: Clock
  readonly #versions = new Map<string, LayerVersion[]>()
  /** Including deleted versions, which functions may still use. */
  readonly #kept = new Map<string, LayerVersion>()
  /** How many versions each layer has ever had: numbers are not reused. */
  readonly #published = new Map<string, number>()

  constructor(region: string, accountId: string, clock: Clock) {
    this.#arnPrefix = `arn:${partitionOf(region)}:lambda:${region}:${accountId}:layer:`
    this.#clock = clock
  }

  publish(
    nameOrArn: string,
    input: Omit<PublishLayerVersionRequest, 'LayerName'>,
    zip: UploadedZip,
  ): LayerVersion {
    const name = this.#nameOf(nameOrArn)
    const number = (this.#published.get(name) ?? 0) + 1
    const layerArn = this.#arnPrefix + name
    const { Description = '', CompatibleRuntimes, CompatibleArchitectures, LicenseInfo } = input
    const version: LayerVersion = {
      arn: `${layerArn}:${number}`,
      zip,
      layerArn,
      description: {
        LayerVersionArn: `${layerArn}:${number}`,
        Description,
        CreatedDate: new Date(this.#clock.now()).toISOString().replace('Z', '+0000'),
        Version: number,
        CompatibleRuntimes,
        CompatibleArchitectures,
        LicenseInfo,
      },
    }
    this.#published.set(name, number)
    this.#kept.set(version.arn, version)
    this.#versions.set(name, [...this.#of(name), version])
    return version
  }

  /** @throws ControlPlaneError `ResourceNotFoundException` */
  get(nameOrArn: string, number: string): LayerVersion {
    const name = this.#nameOf(nameOrArn)
    const arn = `${this.#arnPrefix}${name}:${number}`
    const found = this.#of(name).find((version) => version.arn === arn)
    if (found) return found
    throw new ControlPlaneError(
      'ResourceNotFoundException',
      `The resource you requested does not exist. Layer version ${arn}`,
      { Type: 'User' },
    )
  }

  /** Finds a layer that a request names. @throws ControlPlaneError `InvalidParameterValueException` */
  byArn(arn: string): LayerVersion {
    for (const versions of this.#versions.values()) {
      const found = versions.find((version) => version.arn === arn)
      if (found) return found
    }
    throw invalidParameter(`Layer version ${arn} does not exist.`)
  }

  /** Finds a layer of a function, even if deleted since. @throws ControlPlaneError `InvalidParameterValueException` */
  kept(arn: string): LayerVersion {
    return this.#kept.get(arn) ?? this.byArn(arn)
  }

  /** Deletes a version; a missing one is not an error, as on Lambda. */
  delete(nameOrArn: string, number: string): void {
    const name = this.#nameOf(nameOrArn)
    const arn = `${this.#arnPrefix}${name}:${number}`
    this.#versions.set(
      name,
      this.#of(name).filter((version) => version.arn !== arn),
    )
  }

  /** Lists a layer's versions, newest first. */
  versions(nameOrArn: string, query: ReadonlyMap<string, string>): ListLayerVersionsResponse {
    const versions = this.#of(this.#nameOf(nameOrArn)).map(({ description }) => description)
    const { items, ...next } = pageOf(versions.reverse(), query)
    return { LayerVersions: items, ...next }
  }

  list(query: ReadonlyMap<string, string>): ListLayersResponse {
    const layers = [...this.#versions].flatMap(([name, versions]) => {
      const latest = versions.at(-1)?.description
      const described = { LayerName: name, LayerArn: this.#arnPrefix + name, LatestMatchingVersion: latest }
      return latest === undefined ? [] : [described]
    })
    const { items, ...next } = pageOf(layers, query)
    return { Layers: items, ...next }
  }

  #of(name: string): readonly LayerVersion[] {
    return this.#versions.get(name) ?? []
  }

  #nameOf(nameOrArn: string): string {
    const name = nameOrArn.startsWith(this.#arnPrefix) ? nameOrArn.slice(this.#arnPrefix.length) : nameOrArn
    if (/^[a-zA-Z0-9-_]{1,140}$/.test(name)) return name
    throw invalidParameter(`'${nameOrArn}' is no layer of this account and region.`)
  }
}
