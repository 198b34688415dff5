/** The prefix of every variable that configures a stub; none of them travels, the key above all. */
export const STUB_VARIABLE_PREFIX = 'LAMBDA_TETHER_'

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: what the runtime sets for itself.
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
// What Lambda sets where the function does not: the machine's own are better here.
const DEFAULTS: Readonly<Record<string, string>> = { LANG: 'en_US.UTF-8', TZ: ':UTC' }
// Facts about the function, which local code may read as it could on Lambda.
const TRAVELLING = new Set([
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
])

/** The variables that local code gets: the function's own, its region and its credentials. */
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
  // The Node runtime points it at a file of its own, which is nowhere else.
  if (name === 'NODE_EXTRA_CA_CERTS' && value.startsWith('/var/runtime/')) return false
  return !name.startsWith(STUB_VARIABLE_PREFIX)
}
