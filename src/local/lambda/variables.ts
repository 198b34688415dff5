import { recordOf } from '../../core/base/option-checks.js'
import { invalidOption, mustBe } from '../../core/base/options.js'

/** Limit of a function's own environment variables, as JSON, in bytes. */
const MAX_ENVIRONMENT_BYTES = 4096

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Reserved environment variables".
const RESERVED = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
])

/**
 * Checks a function's own environment variables as Lambda does.
 * @throws TetherError `INVALID_OPTION` naming the variable, or with both numbers
 */
export function checkUserEnvironment(option: string, environment: unknown): void {
  recordOf('an object of texts by name', checkVariable)(option, environment)
  const names = Object.keys(environment as object)
  const reserved = names.find((name) => RESERVED.has(name))
  if (reserved !== undefined)
    throw invalidOption(option, `has '${reserved}', which Lambda reserves. Leave it out`)
  const wrong = names.find((name) => !/^[A-Za-z][A-Za-z0-9_]+$/.test(name))
  if (wrong !== undefined)
    throw invalidOption(option, `has '${wrong}'; a name is a letter, then one or more letters, digits or '_'`)
  const bytes = Buffer.byteLength(JSON.stringify(environment))
  if (bytes > MAX_ENVIRONMENT_BYTES) {
    const problem = `measures ${bytes} bytes; Lambda allows ${MAX_ENVIRONMENT_BYTES} (4 KB). Shorten or move values`
    throw invalidOption(option, problem)
  }
}

/** Checks a variable's value, which may be empty. @throws TetherError `INVALID_OPTION` */
export function checkVariable(name: string, value: unknown): void {
  mustBe('a text', typeof value === 'string', name, value)
}
