import { checkString, recordOf } from '../core/base/option-checks.js'
import { fields, required } from '../core/base/options.js'

/** A message attribute, as SNS and SQS type it. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`; SNS has `String.Array` as well. */
  readonly type: string
  /** Of `Binary`: base64. */
  readonly value: string
}

/** Message attributes by name. */
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** Attributes of a message, by name. */
export const checkMessageAttributes = recordOf(
  'an object of attributes by name',
  fields('an attribute: { type, value }', { type: required(checkString), value: required(checkString) }),
)

/** Bytes that attributes add to a message's size: names, types and values. */
export function attributeBytes(attributes: MessageAttributes): number {
  let bytes = 0
  for (const [name, { type, value }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(type)
    bytes += isBinary(type) ? Buffer.byteLength(value, 'base64') : Buffer.byteLength(value)
  }
  return bytes
}

/** Whether a type, perhaps with a label of the sender's (`Binary.png`), is binary. */
export function isBinary(type: string): boolean {
  return type.startsWith('Binary')
}
