import type { CreateFunctionRequest } from '@aws-sdk/client-lambda'
import { delay } from '../../core/base/delay.js'
import { zip } from '../../deploy/zip/zip.js'
import type { ManagedFunction } from '../control-plane/lambda/function.js'
import { madeUpName, type ResourceInput, type ResourceType, type StackCloud } from './resource.js'

type Code = { readonly ZipFile?: string; readonly S3Bucket?: string; readonly S3Key?: string }
type Properties = Omit<CreateFunctionRequest, 'Code' | 'Tags' | 'FunctionName'> & {
  readonly FunctionName?: string
  readonly Code: Code
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[]
}

/** Values of properties that an update removes from the template. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  Description: '',
  Environment: { Variables: {} },
  Layers: [],
  MemorySize: 128,
  Timeout: 3,
}

/** Functions, managed by the local Lambda's own operations. */
export function functionType({ functions, registry, clock, updateMs }: StackCloud): ResourceType {
  const settled = async (fn: ManagedFunction, signal: AbortSignal) => {
    const { State, LastUpdateStatus } = fn.configuration
    if (State === 'Pending' || LastUpdateStatus === 'InProgress') {
      await delay(Math.max(1, updateMs / 4), { clock, signal })
      await settled(fn, signal)
    } else if (LastUpdateStatus === 'Failed') throw new Error(fn.configuration.LastUpdateStatusReason)
  }
  const made = (fn: ManagedFunction) => ({ physicalId: fn.name, attributes: { Arn: fn.arn } })
  return {
    fixed: ['FunctionName', 'PackageType'],
    async create(input) {
      const { Code, Tags = [], ...properties } = input.properties as unknown as Properties
      const name = properties.FunctionName ?? madeUpName(input, 64)
      functions.create({
        ...properties,
        FunctionName: name,
        Code: packed(Code, properties.Runtime),
        Tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
      })
      const { fn } = registry.find(name)
      await settled(fn, input.signal)
      return made(fn)
    },
    // As in CloudFormation: only properties changed in the template are sent, so changes made elsewhere to others
    // survive.
    async update({ properties: after, before = {}, signal }: ResourceInput, { physicalId }) {
      const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
      const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
      const found = registry.find(physicalId)
      const { fn } = found
      await settled(fn, signal)
      const configuration = changed.filter((name) => name !== 'Code' && name !== 'Tags')
      if (configuration.length > 0) {
        const values = configuration.map((name) => [name, after[name] ?? DEFAULTS[name]])
        functions.updateConfiguration(found, Object.fromEntries(values))
        await settled(fn, signal)
      }
      if (changed.includes('Code')) {
        const { Code, Runtime } = after as unknown as Properties
        functions.updateCode(found, packed(Code, Runtime))
        await settled(fn, signal)
      }
      return made(fn)
    },
    delete: ({ physicalId }) => registry.delete(registry.find(physicalId)),
  }
}

/** Inline code from a template goes into a file named `index`. */
function packed({ ZipFile, ...code }: Code, runtime = ''): Code {
  if (ZipFile === undefined) return code
  const file = runtime.startsWith('python') ? 'index.py' : 'index.js'
  return { ZipFile: Buffer.from(zip({ [file]: Buffer.from(ZipFile) })).toString('base64') }
}
