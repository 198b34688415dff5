import { checkString, recordOf } from '../core/base/option-checks.js'
import { fields, required } from '../core/base/options.js'

/** A message attribute with its type, as in SNS and SQS. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`; SNS also has `String.Array`. */
  readonly type: string
  /** Base64 if the type is `Binary`. */
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

/** Whether a type is binary, perhaps with a label of the sender's (`Binary.png`). */
export function isBinary(type: string): boolean {
  return type.startsWith('Binary')
}
