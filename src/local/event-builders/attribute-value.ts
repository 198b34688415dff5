import { invalidOption, kindOf } from '../../core/base/options.js'

/** A value in DynamoDB's stream format. */
export type BuiltAttributeValue =
  | { S: string }
  | { N: string }
  /** Base64. */
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { L: BuiltAttributeValue[] }
  | { M: Record<string, BuiltAttributeValue> }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] }

/** Converts an item's values to DynamoDB's types. @throws TetherError `INVALID_OPTION` */
export function itemOf(
  name: string,
  item: Readonly<Record<string, unknown>>,
): Record<string, BuiltAttributeValue> {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([key, value]) => [key, attributeValue(`${name}.${key}`, value)]))
}

function attributeValue(name: string, value: unknown): BuiltAttributeValue {
  if (typeof value === 'string') return { S: value }
  if ((typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint')
    return { N: String(value) }
  if (typeof value === 'boolean') return { BOOL: value }
  if (value === null) return { NULL: true }
  if (value instanceof Uint8Array) return { B: base64(value) }
  if (value instanceof Set) return setOf(name, [...value])
  if (Array.isArray(value)) return { L: value.map((one, index) => attributeValue(`${name}[${index}]`, one)) }
  if (typeof value === 'object') return { M: itemOf(name, value as Record<string, unknown>) }
  throw notKept(name, value)
}

function setOf(name: string, values: readonly unknown[]): BuiltAttributeValue {
  const [first] = values
  if (values.every((value) => typeof value === 'string') && first !== undefined) return { SS: [...values] }
  if (values.every((value) => typeof value === 'number' || typeof value === 'bigint') && first !== undefined)
    return { NS: values.map(String) }
  if (values.every((value) => value instanceof Uint8Array) && first !== undefined)
    return { BS: values.map(base64) }
  throw invalidOption(name, 'must be a set of texts, of numbers or of bytes, and not empty')
}

function notKept(name: string, value: unknown): Error {
  return invalidOption(name, `is a value that DynamoDB does not keep: ${kindOf(value)}`)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
