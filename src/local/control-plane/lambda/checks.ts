import type { CreateFunctionRequest } from '@aws-sdk/client-lambda'
import { TetherError } from '../../../core/base/errors.js'
import { MAX_LAYERS } from '../../lambda/function-definition.js'
import { checkUserEnvironment } from '../../lambda/variables.js'
import { invalidParameter, invalidValue } from '../errors.js'
import { MAX_UNPACKED_BYTES, type UploadedZip } from './code.js'

// Runtimes that AWS was observed to refuse; the message is AWS's. Existing functions keep such a runtime.
const BLOCKED_RUNTIMES = /^(?:nodejs(?:[468]\.\d+|1[024]\.x)|python(?:2\.7|3\.[67]))$/

/** The configuration members of a request. */
export type ConfigurationInput = Partial<Omit<CreateFunctionRequest, 'FunctionName' | 'Code'>>

/**
 * Checks a configuration as Lambda does.
 * @throws ControlPlaneError `InvalidParameterValueException`, `ValidationException`
 */
export function checkConfiguration(input: ConfigurationInput): void {
  const { Timeout, MemorySize, Handler, Description, Runtime, Role, Environment } = input
  checkRange('timeout', Timeout, 1, 900)
  checkRange('memorySize', MemorySize, 128, 10_240)
  if (Handler !== undefined && !/^\S{1,128}$/.test(Handler)) {
    throw invalidValue('handler', Handler, 'Member must satisfy regular expression pattern: [^\\s]+')
  }
  if (Description !== undefined && Description.length > 256) {
    throw invalidValue('description', Description, 'Member must have length less than or equal to 256')
  }
  if (Runtime !== undefined && !/^(nodejs|python|java|dotnet|ruby|provided|go)[\w.]*$/.test(Runtime)) {
    throw invalidParameter(
      `Value ${Runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set or be a valid ARN`,
    )
  }
  if (Runtime !== undefined && BLOCKED_RUNTIMES.test(Runtime)) {
    throw invalidParameter(
      `The runtime parameter of ${Runtime} is no longer supported for creating or updating AWS Lambda functions.`,
    )
  }
  if (Role !== undefined && !/^arn:aws[\w-]*:iam::\d{12}:role\/\S+$/.test(Role)) {
    throw invalidValue(
      'role',
      Role,
      'Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
    )
  }
  if (Environment?.Variables !== undefined) checkVariables(Environment.Variables)
}

/** Checks a function's layers, and their total size together with its code. @throws ControlPlaneError */
export function checkLayers(
  layers: readonly { readonly arn: string; readonly zip: UploadedZip }[],
  code?: UploadedZip,
): void {
  if (layers.length > MAX_LAYERS) {
    throw invalidParameter(`Cannot reference more than ${MAX_LAYERS} layers; these are ${layers.length}.`)
  }
  const names = layers.map(({ arn }) => arn.slice(0, arn.lastIndexOf(':')))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw invalidParameter(
      `Two different versions of the same layer are not allowed to be referenced in the same function. ${twice}`,
    )
  }
  const bytes = layers.reduce((sum, { zip }) => sum + zip.unpackedBytes, code?.unpackedBytes ?? 0)
  if (bytes > MAX_UNPACKED_BYTES) {
    throw invalidParameter(
      `Function code combined with layers exceeds the maximum allowed size of ${MAX_UNPACKED_BYTES} bytes. The actual size is ${bytes} bytes.`,
    )
  }
}

function checkVariables(variables: Readonly<Record<string, string>>): void {
  try {
    checkUserEnvironment('environment', variables)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because ${error.message}`,
    )
  }
}

function checkRange(member: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return
  throw invalidValue(
    member,
    value,
    value < min
      ? `Member must have value greater than or equal to ${min}`
      : `Member must have value less than or equal to ${max}`,
  )
}
