// Without these, much that local code starts or reads (its tools, its home's caches) cannot be found.
const ALWAYS_INHERITED = ['PATH', 'HOME']

/**
 * The environment that local code sees: the function's own, and of the host's `PATH`, `HOME` and the names
 * given. Where both have a name, the function's value holds.
 */
export function localEnvironment(
  own: Readonly<Record<string, string>>,
  inherit: readonly string[],
  host: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of [...ALWAYS_INHERITED, ...inherit]) {
    const value = host[name]
    if (value !== undefined) environment[name] = value
  }
  return Object.assign(environment, own)
}
