import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StackTemplates } from './compare.js'
import type { InfrastructureTemplate } from './diff.js'
import { type Synthesis, synthFailed } from './source.js'

/**
 * The manifest of a cloud assembly, reduced to the fields used here. https://github.com/aws/aws-cdk-cli:
 * cloud-assembly-schema
 */
interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>
  readonly missing?: readonly { readonly key: string }[]
}

interface Artifact {
  readonly type: string
  readonly properties?: {
    readonly templateFile?: string
    readonly stackName?: string
    /** For a stage: the folder of its own assembly. */
    readonly directoryName?: string
  }
}

/**
 * Reads the templates of a cloud assembly, keyed by stack name. Includes the stacks of stages.
 * @throws TetherError `BUILD_FAILED` if there is no assembly, or if values must be looked up first
 */
export async function readAssembly(
  folder: string,
  inputs: Pick<Synthesis, 'files' | 'folders'>,
): Promise<StackTemplates> {
  const { artifacts = {}, missing = [] } = await readManifest(folder, inputs)
  if (missing.length > 0) {
    const keys = missing.map(({ key }) => key).join(', ')
    const message = `The app needs values that are to be looked up: ${keys}. Run: npx cdk synth, which writes them to cdk.context.json.`
    throw synthFailed(message, { missing: missing.map(({ key }) => key), ...inputs })
  }
  const found = await Promise.all(
    Object.entries(artifacts).map(async ([id, { type, properties = {} }]): Promise<StackTemplates> => {
      const { templateFile, stackName = id, directoryName } = properties
      if (type === 'cdk:cloud-assembly' && directoryName !== undefined)
        return readAssembly(join(folder, directoryName), inputs)
      if (type !== 'aws:cloudformation:stack' || templateFile === undefined) return {}
      const text = await readFile(join(folder, templateFile), 'utf8')
      return { [stackName]: JSON.parse(text) as InfrastructureTemplate }
    }),
  )
  return Object.assign({}, ...found)
}

async function readManifest(folder: string, inputs: Pick<Synthesis, 'files' | 'folders'>): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  } catch (cause) {
    throw synthFailed('The command wrote no cloud assembly: is it a CDK app?', { ...inputs }, cause)
  }
}
