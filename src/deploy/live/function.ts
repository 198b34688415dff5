import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { Clock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import { delay } from '../../core/base/delay.js'
import { abortError, TetherError } from '../../core/base/errors.js'
import { canonicalJson } from '../../core/base/json.js'
import { readUrl } from '../../network/read-url.js'
import { codeHash, type FunctionFacts } from '../snapshot/snapshot.js'
import { type Account, abortable, awsFailure, isAwsError } from './account.js'

/** The configuration that updates change, apart from the code. */
export type Configuration = Pick<
  FunctionFacts,
  'runtime' | 'handler' | 'layers' | 'timeoutSeconds' | 'environment'
>

/** The present state of a function's `$LATEST`. */
export interface FunctionState {
  readonly functionName: string
  readonly functionArn: string
  /** Changes with every change. Lambda refuses an update that names an outdated revision. */
  readonly revisionId: string
  readonly roleName: string
  readonly facts: FunctionFacts
  /** Unchanged from Lambda's answer. */
  readonly given: FunctionConfiguration
}

/** A function with the details that only `GetFunction` returns. */
export interface FunctionDetails extends FunctionState {
  readonly tags: Readonly<Record<string, string>>
  /** URL of its zip, valid for some minutes; undefined without a zip. A secret. */
  readonly codeUrl?: string
  /** KMS key that encrypts the zip. */
  readonly codeKmsKeyArn?: string
  /** Whether its code stays in a bucket of the user's, without a copy in Lambda. */
  readonly codeReferenced: boolean
  /** Zero blocks all invocations. */
  readonly reservedConcurrency?: number
}

/** How to wait for an update. */
export interface UpdateWait {
  readonly clock: Clock
  readonly updateTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

export function updateWaitOf(options: {
  readonly clock: Clock
  readonly updateTimeoutMs: number
  readonly signal?: AbortSignal | undefined
}): UpdateWait {
  const { clock, updateTimeoutMs, signal } = options
  return { clock, updateTimeoutMs, signal }
}

/**
 * Reads a function.
 * @returns undefined if there is no function of that name
 * @throws TetherError `DEPLOY_FAILED`, `ABORTED`
 */
export async function findFunction(
  { lambda, commands }: Account,
  FunctionName: string,
  signal: AbortSignal | undefined,
): Promise<FunctionDetails | undefined> {
  try {
    const command = new commands.GetFunctionCommand({ FunctionName })
    const { Configuration = {}, Code, Tags, Concurrency } = await lambda.send(command, abortable(signal))
    return {
      ...functionState(Configuration),
      tags: Tags ?? {},
      codeReferenced: Code?.ResolvedS3Object !== undefined,
      ...(Code?.Location !== undefined && { codeUrl: Code.Location }),
      ...(Code?.SourceKMSKeyArn !== undefined && { codeKmsKeyArn: Code.SourceKMSKeyArn }),
      ...(Concurrency?.ReservedConcurrentExecutions !== undefined && {
        reservedConcurrency: Concurrency.ReservedConcurrentExecutions,
      }),
    }
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined
    throw awsFailure(`Reading function ${FunctionName}`, error, signal)
  }
}

/**
 * Reads a function after any update in progress has finished.
 * @param past revisions known to be outdated: Lambda's reads are eventually consistent
 * @throws TetherError `DEPLOY_FAILED` after `updateTimeoutMs`, `ABORTED`
 */
export async function settledFunction(
  { lambda, commands }: Account,
  FunctionName: string,
  patience: UpdateWait,
  past: ReadonlySet<string> = new Set(),
): Promise<FunctionState> {
  const { clock, updateTimeoutMs, signal } = patience
  const since = clock.now()
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    const command = new commands.GetFunctionConfigurationCommand({ FunctionName })
    const given = await lambda.send(command, abortable(signal)).catch((error: unknown) => {
      throw awsFailure(`Reading function ${FunctionName}`, error, signal)
    })
    const isPast = past.has(given.RevisionId ?? '')
    if (!isPast && given.State !== 'Pending' && given.LastUpdateStatus !== 'InProgress')
      return functionState(given)
    const waitedMs = clock.now() - since
    if (waitedMs >= updateTimeoutMs) {
      throw new TetherError(
        'DEPLOY_FAILED',
        `Lambda has not finished updating ${FunctionName} after ${waitedMs} ms; 'updateTimeoutMs' is ${updateTimeoutMs}. Run this again: it goes on from there.`,
      )
    }
    await delay(pauseMs, patience)
  }
}

/** Changes part of a configuration, unless the function has changed meanwhile. @throws the SDK's errors */
export async function updateConfiguration(
  { lambda, commands }: Account,
  { functionName, revisionId }: FunctionState,
  change: Partial<Configuration>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { runtime, handler, layers, timeoutSeconds, environment } = change
  const command = new commands.UpdateFunctionConfigurationCommand({
    FunctionName: functionName,
    RevisionId: revisionId,
    ...(runtime !== undefined && { Runtime: runtime as NonNullable<FunctionConfiguration['Runtime']> }),
    ...(handler !== undefined && { Handler: handler }),
    ...(layers !== undefined && { Layers: [...layers] }),
    ...(timeoutSeconds !== undefined && { Timeout: timeoutSeconds }),
    ...(environment !== undefined && { Environment: { Variables: { ...environment } } }),
  })
  await lambda.send(command, abortable(signal))
}

/** Changes the code, unless the function has changed meanwhile. @throws the SDK's errors */
export async function updateCode(
  { lambda, commands }: Account,
  { functionName, revisionId, given }: FunctionState,
  zip: Uint8Array,
  kmsKeyArn: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = new commands.UpdateFunctionCodeCommand(
    defined({
      FunctionName: functionName,
      RevisionId: revisionId,
      ZipFile: zip,
      Architectures: given.Architectures,
      SourceKMSKeyArn: kmsKeyArn,
    }),
  )
  await lambda.send(command, abortable(signal))
}

/** Downloads a function's zip and checks its hash. No error contains the URL, which is a secret. */
export async function downloadCode(
  { functionName, codeUrl, facts }: FunctionDetails,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const failed = (what: string, cause?: unknown) =>
    new TetherError('DEPLOY_FAILED', `The code of ${functionName} could not be downloaded: ${what}.`, {
      cause,
    })
  if (codeUrl === undefined) throw failed('Lambda gives no address')
  let bytes: Uint8Array
  try {
    const { status, body } = await readUrl(codeUrl, defined({ signal }))
    if (status !== 200) throw failed(`the answer has status ${status}`)
    bytes = body
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    throw error instanceof TetherError ? error : failed('the download broke off', error)
  }
  const hash = codeHash(bytes)
  if (hash !== facts.codeSha256) {
    throw failed(`its ${bytes.length} bytes have the SHA-256 ${hash}, not ${facts.codeSha256}`)
  }
  return bytes
}

/** Returns the parts of a configuration that must change; undefined if there are no differences. */
export function difference(from: Configuration, to: Configuration): Partial<Configuration> | undefined {
  const names = ['runtime', 'handler', 'layers', 'timeoutSeconds', 'environment'] as const
  const changed = names.filter((name) => !isSame(from[name], to[name]))
  return changed.length === 0 ? undefined : Object.fromEntries(changed.map((name) => [name, to[name]]))
}

/** Whether two values of a configuration are equal, regardless of the order of variables. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function functionState(given: FunctionConfiguration): FunctionState {
  return {
    functionName: given.FunctionName ?? '',
    functionArn: given.FunctionArn ?? '',
    revisionId: given.RevisionId ?? '',
    roleName: given.Role?.split('/').at(-1) ?? '',
    facts: {
      codeSha256: given.CodeSha256 ?? '',
      codeBytes: given.CodeSize ?? 0,
      runtime: given.Runtime ?? '',
      handler: given.Handler ?? '',
      layers: (given.Layers ?? []).map(({ Arn = '' }) => Arn),
      timeoutSeconds: given.Timeout ?? 3,
      memoryMb: given.MemorySize ?? 128,
      environment: given.Environment?.Variables ?? {},
    },
    given,
  }
}
