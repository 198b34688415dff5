import { isBinary, type MessageAttribute, type MessageAttributes } from '../message-attributes.js'
import { invalidParameterValue, missingParameter, SqsError } from './errors.js'

/** An operation's input, parsed from JSON. */
export type Input = Readonly<Record<string, unknown>>

/** @throws SqsError `MissingParameter`, `SerializationException` */
export function textIn(input: Input, name: string): string {
  const value = input[name]
  if (value === undefined || value === null || value === '') throw missingParameter(name)
  if (typeof value !== 'string') throw new SqsError('SerializationException', `${name} is no string.`)
  return value
}

/** Reads whole seconds, as milliseconds; undefined if absent. @throws SqsError `InvalidParameterValue` */
export function secondsIn(input: Input, name: string, max: number): number | undefined {
  const seconds = numberIn(input, name, 0, max)
  return seconds === undefined ? undefined : seconds * 1000
}

/** @throws SqsError `InvalidParameterValue` */
export function numberIn(input: Input, name: string, min: number, max: number): number | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value)
  throw invalidParameterValue(name, value, `Must be between ${min} and ${max}, if provided.`)
}

/** Reads a list of texts; empty if absent. */
export function textsIn(input: Input, name: string): string[] {
  const value = input[name]
  return Array.isArray(value) ? value.map(String) : []
}

/** @throws SqsError `InvalidParameterValue` */
export function attributesIn(input: Input): MessageAttributes {
  const given = (input.MessageAttributes ?? {}) as Readonly<Record<string, Readonly<Record<string, string>>>>
  return Object.fromEntries(
    Object.entries(given).map(([name, { DataType: type, StringValue, BinaryValue }]) => {
      if (!type)
        throw invalidParameterValue('MessageAttributes', name, `The attribute '${name}' must have a type.`)
      const value = isBinary(type) ? BinaryValue : StringValue
      return [name, { type, value: value ?? '' }]
    }),
  )
}

/** Formats an attribute for an answer. */
export function attributeOut({ type, value }: MessageAttribute): object {
  return { DataType: type, ...(isBinary(type) ? { BinaryValue: value } : { StringValue: value }) }
}

/** Filters attributes by a receiver's request: names, `All`, or prefixes that end with `.*`. */
export function wanted<T>(given: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  const fits = (name: string) =>
    names.some(
      (one) => one === 'All' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))),
    )
  return Object.fromEntries(Object.entries(given).filter(([name]) => fits(name)))
}
