import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { AccountUnderTest } from '../account.js'
import type { StackUnderTest } from '../settings.js'

/** What the program was asked for. */
export interface ProgramOptions {
  /** Which account: AWS in a region, a local cloud of the program's own, or one that is described. */
  readonly target:
    | { readonly kind: 'aws'; readonly region: string }
    | { readonly kind: 'local' }
    | { readonly kind: 'described'; readonly account: AccountUnderTest }
  /** Nobody is asked. */
  readonly yes: boolean
  /** Only what earlier runs left is removed. */
  readonly clean: boolean
  readonly report: string | undefined
  readonly stack: StackUnderTest | undefined
}

/** What `--help` prints. */
export const USAGE = `npm run accept:aws -- --region REGION [options]
  --region REGION   the AWS region; credentials are found as the AWS SDK finds them
  --local           the local cloud in the place of AWS
  --account FILE    an account as JSON, such as a local cloud in another process
  --yes             asks nothing
  --clean           only removes what earlier runs left
  --report FOLDER   where the report is written; by default accept-report
  --stack FILE      the outputs of a debug stack, as describe-stacks prints them, with
  --app, --stage    its application and stage, and its key in LAMBDA_TETHER_KEY
`

/** What was asked for is not possible; its message says what is. */
export class UsageError extends Error {}

/** Reads the arguments. @throws UsageError; undefined stands for `--help` */
export function programOptions(args: readonly string[], env: NodeJS.ProcessEnv): ProgramOptions | undefined {
  const values = parsed(args)
  if (values.help) return undefined
  return {
    target: targetOf(values),
    yes: values.yes ?? false,
    clean: values.clean ?? false,
    report: values.report,
    stack: values.stack === undefined ? undefined : stackOf(values.stack, values, env),
  }
}

const OPTIONS = {
  region: { type: 'string' },
  local: { type: 'boolean' },
  account: { type: 'string' },
  yes: { type: 'boolean' },
  clean: { type: 'boolean' },
  report: { type: 'string' },
  stack: { type: 'string' },
  app: { type: 'string' },
  stage: { type: 'string' },
  help: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function parsed(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function targetOf({ region, local, account }: Values): ProgramOptions['target'] {
  const given = [region, local, account].filter((one) => one !== undefined)
  if (given.length > 1) throw new UsageError('--region, --local and --account exclude each other.')
  if (account !== undefined) return { kind: 'described', account: jsonOf(account) as AccountUnderTest }
  if (local) return { kind: 'local' }
  if (region !== undefined && /^[a-z]{2,}(?:-[a-z]+)+-\d$/.test(region)) return { kind: 'aws', region }
  throw new UsageError(
    region === undefined
      ? 'No region is given: say --region eu-west-1, or --local for the local cloud.'
      : `'${region}' is no AWS region: say one such as eu-west-1.`,
  )
}

function stackOf(file: string, { app, stage }: Values, env: NodeJS.ProcessEnv): StackUnderTest {
  const outputs = jsonOf(file) as readonly { OutputKey?: string; OutputValue?: string }[]
  const endpoint = Array.isArray(outputs)
    ? outputs.find(({ OutputKey }) => OutputKey === 'Endpoint')?.OutputValue
    : undefined
  if (endpoint === undefined) {
    throw new UsageError(
      `${file} has no output 'Endpoint': it must be what --query 'Stacks[0].Outputs' prints.`,
    )
  }
  const key = env.LAMBDA_TETHER_KEY
  if (app === undefined || stage === undefined || key === undefined) {
    throw new UsageError('--stack needs --app and --stage of the stack, and its key in LAMBDA_TETHER_KEY.')
  }
  return { endpoint, app, stage, key }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`)
  }
}
