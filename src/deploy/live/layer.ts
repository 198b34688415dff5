import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import type { StubBundleName } from '../../stub/bundle.js'
import { codeHash } from '../snapshot/snapshot.js'
import { layerZip } from '../zip/layer.js'
import { type Account, abortable, awsFailure, everyPage, isAwsError } from './account.js'

/** The layer of a bundle, named for an application and stage. */
export interface Layer {
  readonly name: string
  readonly zip: Uint8Array
  /** In base64, as Lambda returns it. */
  readonly sha256: string
}

/** The bundles that an application and stage may have layers for. */
const BUNDLES: readonly StubBundleName[] = ['iot', 'mqtt', 'api-gateway']

export function layerOf(prefix: string, bundle: StubBundleName): Layer {
  const zip = layerZip(bundle)
  return { name: prefix + bundle, zip, sha256: codeHash(zip) }
}

/**
 * Finds the version of the layer with exactly these bytes; undefined if there is no such version.
 * @throws TetherError `DEPLOY_FAILED`
 */
export async function findLayer(
  account: Account,
  layer: Layer,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { lambda, commands } = account
  try {
    for (const { LayerVersionArn, Version } of await versionsOf(account, layer.name, signal)) {
      const command = new commands.GetLayerVersionCommand({ LayerName: layer.name, VersionNumber: Version })
      const found = await lambda.send(command, abortable(signal)).catch((error: unknown) => {
        // A concurrent restore has just deleted it.
        if (isAwsError(error, 'ResourceNotFoundException')) return undefined
        throw error
      })
      if (found?.Content?.CodeSha256 === layer.sha256) return LayerVersionArn
    }
    return undefined
  } catch (error) {
    throw awsFailure(`Looking for layer ${layer.name}`, error, signal)
  }
}

/**
 * Publishes a version of the layer, unless one with these bytes exists.
 * @returns its ARN
 * @throws TetherError `DEPLOY_FAILED`
 */
export async function publishLayer(
  account: Account,
  layer: Layer,
  signal: AbortSignal | undefined,
): Promise<string> {
  const found = await findLayer(account, layer, signal)
  if (found !== undefined) return found
  const { lambda, commands } = account
  const command = new commands.PublishLayerVersionCommand({
    LayerName: layer.name,
    Description: 'lambda-tether: hands invocations to a session, or runs the function as it is',
    Content: { ZipFile: layer.zip },
  })
  const published = await lambda.send(command, abortable(signal)).catch((error: unknown) => {
    throw awsFailure(`Publishing layer ${layer.name}`, error, signal)
  })
  if (published.LayerVersionArn !== undefined && published.Content?.CodeSha256 === layer.sha256) {
    return published.LayerVersionArn
  }
  throw new TetherError(
    'DEPLOY_FAILED',
    `Layer ${layer.name} was published with the SHA-256 ${published.Content?.CodeSha256}, not ${layer.sha256}.`,
  )
}

/**
 * Deletes the versions that no function uses.
 * @param used ARNs of layer versions in use
 */
export async function deleteUnusedLayers(
  account: Account,
  prefix: string,
  used: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { lambda, commands } = account
  for (const bundle of BUNDLES) {
    const name = prefix + bundle
    try {
      for (const { LayerVersionArn = '', Version } of await versionsOf(account, name, signal)) {
        if (used.has(LayerVersionArn)) continue
        // Deleting a missing version is no error.
        const command = new commands.DeleteLayerVersionCommand({ LayerName: name, VersionNumber: Version })
        await lambda.send(command, abortable(signal))
      }
    } catch (error) {
      throw awsFailure(`Deleting layer ${name}`, error, signal)
    }
  }
}

// Newest first; empty for a layer that does not exist.
function versionsOf({ lambda, commands }: Account, LayerName: string, signal: AbortSignal | undefined) {
  return everyPage(async (marker) => {
    const command = new commands.ListLayerVersionsCommand(defined({ LayerName, Marker: marker }))
    const { LayerVersions, NextMarker } = await lambda.send(command, abortable(signal))
    return { items: LayerVersions, next: NextMarker }
  })
}
