import { isThenable } from '../../base/deferred.js'
import { TetherError } from '../../base/errors.js'
import { checkDuration, checkFunction, checkSignal, oneOf, withMethods } from '../../base/option-checks.js'
import { checkOptions, invalidOption, isObject, mustBe } from '../../base/options.js'
import type { InvocationContext } from '../../contracts/handler.js'
import type { AbortOptions } from '../../contracts/transport.js'

/** An invocation that can be run again. Records of a recorder or of a folder of recordings are valid. */
export interface Replayable {
  readonly functionId: string
  /** The event's JSON. */
  readonly eventBytes: Uint8Array
  readonly context: InvocationContext
  /** `limitMs`: the function's time limit, in milliseconds. */
  readonly timing?: { readonly limitMs: number } | undefined
  /** JSON pointers into the record: `/event/headers/authorization`. @default none */
  readonly redacted?: readonly string[] | undefined
}

/** Options of every kind of replay. */
export interface ReplayEdit {
  /**
   * Returns the event to run, given the recorded one. The argument is parsed anew each time, so it may be changed in
   * place.
   * @default the recorded event
   */
  // biome-ignore lint/suspicious/noExplicitAny: users type their own events, as in handlers
  readonly event?: ((event: any) => unknown) | undefined
  /** The function's time limit, in milliseconds. @default its limit when recorded, else 15 minutes, Lambda's longest */
  readonly timeoutMs?: number | undefined
}

/** A `LambdaClient` of `@aws-sdk/client-lambda`. */
export interface RemoteClient {
  /** Sends a command of the SDK, here `InvokeCommand`. */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own types are not installed everywhere
  send(command: any, options?: any): Promise<any>
}

/** Options of `session.replay`. */
export interface ReplayOptions extends ReplayEdit, AbortOptions {
  /**
   * `local` runs it here, as if it had arrived again. `remote` invokes the real function, `context.invokedFunctionArn`,
   * with `@aws-sdk/client-lambda`.
   * @default 'local'
   */
  readonly as?: 'local' | 'remote' | undefined
  /**
   * With `remote`: the client that invokes the function.
   * @default a client for the region in the function's ARN, with the AWS SDK's own credentials
   */
  readonly client?: RemoteClient | undefined
}

/** A replay with checked record and options. */
export interface ReplayRequest extends AbortOptions {
  readonly as: 'local' | 'remote'
  readonly functionId: string
  readonly event: Uint8Array
  readonly context: InvocationContext
  readonly timeoutMs: number
  readonly redacted: readonly string[]
  readonly client: RemoteClient | undefined
}

const LONGEST_MS = 15 * 60_000

/** @throws TetherError `INVALID_OPTION`, and any error of the option `event` */
export function replayRequest(record: Replayable, options: ReplayOptions): ReplayRequest {
  checkReplayable(record)
  checkOptions<ReplayOptions>('replay', options, {
    as: oneOf('local', 'remote'),
    client: withMethods("a LambdaClient of '@aws-sdk/client-lambda'", 'send'),
    signal: checkSignal,
    ...editChecks,
  })
  const { as = 'local', client, signal, event, timeoutMs } = options
  if (client !== undefined && as !== 'remote')
    throw invalidOption('client', "is for replays with as: 'remote'")
  const { functionId, context, eventBytes, timing, redacted = [] } = record
  return {
    as,
    functionId,
    context,
    event: event === undefined ? eventBytes : edited(eventBytes, event),
    // A mirrored invocation may have been recorded with no time left.
    timeoutMs: timeoutMs ?? (timing?.limitMs || LONGEST_MS),
    redacted: redacted.filter((pointer) => /^\/(?:event|context)/.test(pointer)),
    client,
    signal,
  }
}

export const editChecks = { event: checkFunction, timeoutMs: checkDuration }

/** @throws TetherError `INVALID_OPTION` */
export function checkReplayable(record: unknown): void {
  const { functionId, eventBytes, context } = (record ?? {}) as Partial<Replayable>
  const holds = typeof functionId === 'string' && ArrayBuffer.isView(eventBytes) && isObject(context)
  mustBe('a record: { functionId, eventBytes, context }', holds, 'record', record)
  if (eventBytes?.length === 0)
    throw invalidOption('record', 'has no event: it could not be read when the invocation arrived')
}

function edited(eventBytes: Uint8Array, edit: (event: unknown) => unknown): Uint8Array {
  let event: unknown
  try {
    event = JSON.parse(Buffer.from(eventBytes).toString('utf8'))
  } catch (cause) {
    throw new TetherError('PROTOCOL', "The event of the record is not JSON, and 'event' cannot change it.", {
      cause,
    })
  }
  const changed = edit(event)
  // As JSON, a promise would be the event {}.
  if (isThenable(changed)) {
    changed.then(undefined, () => {})
    throw invalidOption('event', 'must return an event, and is async')
  }
  const text = jsonOf(changed)
  if (text === undefined) throw invalidOption('event', 'must return an event: JSON')
  return Buffer.from(text)
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw invalidOption('event', `must return an event: JSON, and ${(cause as Error).message}`)
  }
}
