/** An object without its undefined properties. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Options with their defaults filled in. */
export type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> }

/**
 * Copies an object without its undefined properties. `exactOptionalPropertyTypes` requires it, and it keeps `{
 * ...defaults, ...defined(options) }` from erasing defaults.
 */
export function defined<const T extends object>(object: T): Defined<T> {
  const copy: Partial<T> = {}
  for (const name of Object.keys(object) as (keyof T)[]) {
    if (object[name] !== undefined) copy[name] = object[name]
  }
  return copy as unknown as Defined<T>
}
