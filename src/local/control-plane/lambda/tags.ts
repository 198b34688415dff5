import { invalidParameter } from '../errors.js'
import type { ResolvedFunction } from './registry.js'

const MAX_TAGS = 50

/** Returns a function's tags in ListTags' format. */
export function listTags({ fn }: ResolvedFunction): { Tags: Record<string, string> } {
  return { Tags: Object.fromEntries(fn.tags) }
}

/**
 * Adds tags to a function. @throws ControlPlaneError `InvalidParameterValueException` for an invalid tag, or too many
 */
export function tagFunction({ fn }: ResolvedFunction, tags: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(tags)) {
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
    const valid = /^[\p{L}\p{N}\s_.:/=+\-@]*$/u.test(key + value)
    if (key === '' || key.length > 128 || value.length > 256 || key.startsWith('aws:') || !valid) {
      throw invalidParameter(`'${key}' with the value '${value}' is no tag.`)
    }
  }
  const count = new Set([...fn.tags.keys(), ...Object.keys(tags)]).size
  if (count > MAX_TAGS)
    throw invalidParameter(`A function has at most ${MAX_TAGS} tags; these would be ${count}.`)
  for (const [key, value] of Object.entries(tags)) fn.tags.set(key, value)
}

/** Removes tags; missing keys are not an error. */
export function untagFunction({ fn }: ResolvedFunction, keys: readonly string[]): void {
  for (const key of keys) fn.tags.delete(key)
}
