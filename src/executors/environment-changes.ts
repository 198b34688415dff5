/** Environment variables to set; `null` removes one. */
export type EnvironmentChanges = Readonly<Record<string, string | null>>

/** Returns the changes from one environment to another; undefined if they are equal. */
export function changesBetween(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): EnvironmentChanges | undefined {
  let changes: Record<string, string | null> | undefined
  const change = (name: string, value: string | null) => {
    changes ??= {}
    changes[name] = value
  }
  for (const name in from) if (!Object.hasOwn(to, name)) change(name, null)
  for (const name in to) if (from[name] !== to[name]) change(name, to[name] as string)
  return changes
}
