import type { IAMClient } from '@aws-sdk/client-iam'
import type { FunctionConfiguration, LambdaClient } from '@aws-sdk/client-lambda'
import type { CredentialsOption } from '../../aws/credentials.js'
import { awsChecks, sdkClientConfig } from '../../aws/sdk.js'
import { abortError, TetherError } from '../../core/base/errors.js'
import { checkHttpUrl } from '../../core/base/option-checks.js'
import type { Checks } from '../../core/base/options.js'
import { printable } from '../../core/base/printable.js'

/** The AWS account, and how to reach it. The AWS SDK finds omitted values in the environment and the profile. */
export interface AccountOptions {
  readonly region?: string | undefined
  /**
   * Credentials, or a function that the SDK calls for them.
   * @default the AWS SDK's own chain: environment, profile, SSO
   */
  readonly credentials?: CredentialsOption | undefined
  /** A server other than AWS's, such as the local cloud's. @default the SDK's, which reads `AWS_ENDPOINT_URL_LAMBDA` */
  readonly lambdaEndpoint?: string | undefined
  /** @default the SDK's, which reads `AWS_ENDPOINT_URL_IAM` */
  readonly iamEndpoint?: string | undefined
}

/** A check for each of {@link AccountOptions}. */
export const accountChecks: Checks<AccountOptions> = {
  ...awsChecks,
  lambdaEndpoint: checkHttpUrl,
  iamEndpoint: checkHttpUrl,
}

type Commands = typeof import('@aws-sdk/client-lambda')
type IamCommands = typeof import('@aws-sdk/client-iam')

/** Any of the SDK's clients. */
interface RegionalClient {
  readonly config: { region(): Promise<string> }
  destroy(): void
}

/** The AWS SDK's clients and commands for an account. */
export interface Account {
  readonly lambda: LambdaClient
  readonly commands: Commands
  /** Loads the SDK's client on the first call. @throws TetherError `MISSING_DEPENDENCY` */
  iam(): Promise<{ readonly client: IAMClient; readonly commands: IamCommands }>
  readonly region: string
}

/**
 * Runs work with the AWS SDK's clients, then closes their connections.
 * @throws TetherError `MISSING_DEPENDENCY`, `INVALID_OPTION`, and the errors of the work
 */
export async function withAccount<T>(
  options: AccountOptions,
  work: (account: Account) => Promise<T>,
): Promise<T> {
  const commands = await loaded(() => import('@aws-sdk/client-lambda'))
  const lambda = new commands.LambdaClient(await clientOptions(options, options.lambdaEndpoint))
  const region = await regionOf(lambda)
  let iam: ReturnType<Account['iam']> | undefined
  const account: Account = {
    lambda,
    commands,
    iam() {
      iam ??= loadIam().then(async (commands) => ({
        client: new commands.IAMClient(await clientOptions(options, options.iamEndpoint)),
        commands,
      }))
      return iam
    },
    region,
  }
  try {
    return await work(account)
  } finally {
    lambda.destroy()
    void iam?.then(
      ({ client }) => client.destroy(),
      () => {},
    )
  }
}

/** Returns a client's region. @throws TetherError `INVALID_OPTION`, after destroying the client */
export async function regionOf(client: RegionalClient): Promise<string> {
  try {
    return await client.config.region()
  } catch (cause) {
    client.destroy()
    throw new TetherError(
      'INVALID_OPTION',
      "'region' is missing, and the AWS SDK finds none: pass it, set AWS_REGION, or log in.",
      { cause },
    )
  }
}

// Lambda allows 15 control-plane calls a second per account, shared by all callers.
const MAX_ATTEMPTS = 8
/** Long enough for 50 MB of code over a slow line. */
const REQUEST_TIMEOUT_MS = 120_000

/** @throws TetherError `MISSING_DEPENDENCY` */
export function loadIam(): Promise<IamCommands> {
  return loaded(() => import('@aws-sdk/client-iam'))
}

/** Whether an error is an AWS error with one of these names. */
export function isAwsError(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}

/**
 * Converts an error of an AWS client into this package's error, naming the attempted operation.
 * @returns an error with `DEPLOY_FAILED`, or `ABORTED` if the signal was aborted
 */
export function awsFailure(what: string, cause: unknown, signal: AbortSignal | undefined): TetherError {
  if (signal?.aborted) return abortError(signal)
  if (cause instanceof TetherError) return cause
  const { name, message } = cause as Error
  return new TetherError('DEPLOY_FAILED', `${what} failed: ${printable(name)}: ${printable(message)}`, {
    cause,
    details: { awsError: name },
  })
}

/** Returns the items of all pages. */
export async function everyPage<T>(
  page: (
    marker: string | undefined,
  ) => Promise<{ items: readonly T[] | undefined; next?: string | undefined }>,
): Promise<T[]> {
  const all: T[] = []
  let marker: string | undefined
  do {
    const { items, next } = await page(marker)
    all.push(...(items ?? []))
    marker = next || undefined
  } while (marker !== undefined)
  return all
}

/** Lists every function of the region, `$LATEST` of each. @throws the SDK's errors */
export function listFunctions(
  { lambda, commands }: Account,
  signal: AbortSignal | undefined,
): Promise<FunctionConfiguration[]> {
  return everyPage(async (marker) => {
    const command = new commands.ListFunctionsCommand(marker === undefined ? {} : { Marker: marker })
    const { Functions, NextMarker } = await lambda.send(command, abortable(signal))
    return { items: Functions, next: NextMarker }
  })
}

/** Returns the second argument of a client's `send`. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

// Names both packages: otherwise, a user without either would get a second error after installing the first.
async function loaded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      'Going live and back needs the AWS SDK. Run: npm install @aws-sdk/client-lambda @aws-sdk/client-iam',
      { cause },
    )
  }
}

async function clientOptions(options: AccountOptions, endpoint: string | undefined) {
  return {
    ...(await sdkClientConfig({ ...options, connectTimeoutMs: REQUEST_TIMEOUT_MS })),
    maxAttempts: MAX_ATTEMPTS,
    ...(endpoint !== undefined && { endpoint }),
  }
}
