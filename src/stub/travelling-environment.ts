/** Prefix of every variable that configures a stub. None of them is sent to local code, least of all the key. */
export const STUB_VARIABLE_PREFIX = 'LAMBDA_TETHER_'

// Variables that the runtime sets for itself: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
const RESERVED = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_EXECUTION_ENV',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
  'PATH',
  'LD_LIBRARY_PATH',
  'NODE_PATH',
  'PWD',
  'SHLVL',
])
// Lambda's values where the function sets none: the developer's machine has better ones.
const DEFAULTS: Readonly<Record<string, string>> = { LANG: 'en_US.UTF-8', TZ: ':UTC' }
// Facts about the function that local code may read as on Lambda.
const TRAVELLING = new Set([
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
])

/** Returns the variables for local code: the function's own, its region and its credentials. */
export function travellingEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const travelling: Record<string, string> = {}
  for (const name of Object.keys(env)) {
    const value = env[name]
    if (value !== undefined && travels(name, value)) travelling[name] = value
  }
  return travelling
}

function travels(name: string, value: string): boolean {
  if (TRAVELLING.has(name)) return true
  if (RESERVED.has(name) || name.startsWith('AWS_LAMBDA_') || name.startsWith('_LAMBDA_')) return false
  if (Object.hasOwn(DEFAULTS, name)) return value !== DEFAULTS[name]
  // The Node runtime points it at its own file, which exists only on Lambda.
  if (name === 'NODE_EXTRA_CA_CERTS' && value.startsWith('/var/runtime/')) return false
  return !name.startsWith(STUB_VARIABLE_PREFIX)
}
