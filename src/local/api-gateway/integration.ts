import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import type { LocalFunction } from '../lambda/function.js'
import type { WebSocketEvent } from './event.js'

/** The target of a route: a function, or `mock`, which accepts a message and answers nothing. */
export type Integration = Pick<LocalFunction, 'invoke'> | 'mock'

/** Targets for `$connect`, `$disconnect`, `$default`, and for the values of a message's `action`. */
export type WebSocketRoutes = Readonly<Record<string, Integration>>

/** The outcome of invoking a function. */
export type IntegrationOutcome =
  | { readonly kind: 'answer'; readonly statusCode: number }
  /** It failed, was throttled, or gave an invalid answer. */
  | { readonly kind: 'failure'; readonly detail: string }
  | { readonly kind: 'timeout' }
  /** The API was closed meanwhile. */
  | { readonly kind: 'closed' }

/** Options of {@link callIntegration}. */
export interface IntegrationOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Fires when the API closes. */
  readonly closed: AbortSignal
}

/** Invokes an integration; never rejects. */
export async function callIntegration(
  integration: Integration,
  event: WebSocketEvent,
  { clock, timeoutMs, closed }: IntegrationOptions,
): Promise<IntegrationOutcome> {
  if (integration === 'mock') return { kind: 'answer', statusCode: 200 }
  const late = new AbortController()
  const cancel = clock.schedule(timeoutMs, () => late.abort())
  const signal = AbortSignal.any([late.signal, closed])
  try {
    const { payload, functionError } = await Promise.race([
      integration.invoke(event, { signal }),
      aborted(signal),
    ])
    const text = Buffer.from(payload).toString()
    return functionError === undefined ? readAnswer(text) : { kind: 'failure', detail: text }
  } catch (error) {
    if (closed.aborted) return { kind: 'closed' }
    return late.signal.aborted ? { kind: 'timeout' } : { kind: 'failure', detail: String(error) }
  } finally {
    cancel()
  }
}

/**
 * Selects a message's route: `$request.body.action`, or `$default` for messages without a valid `action`; undefined if
 * no route fits.
 */
export function selectRoute(routes: WebSocketRoutes, body: string): string | undefined {
  const key = action(body)
  // Messages cannot select API Gateway's own three routes.
  if (key !== undefined && !key.startsWith('$') && Object.hasOwn(routes, key)) return key
  return Object.hasOwn(routes, '$default') ? '$default' : undefined
}

function action(body: string): string | undefined {
  // Rejects most messages that are not JSON without the cost of an exception.
  if (!/^\s*\{/.test(body)) return undefined
  try {
    const value: unknown = (JSON.parse(body) as { action?: unknown }).action
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function readAnswer(text: string): IntegrationOutcome {
  try {
    const { statusCode } = JSON.parse(text) as { statusCode?: unknown }
    if (typeof statusCode === 'number' && statusCode >= 200 && statusCode <= 599) {
      return { kind: 'answer', statusCode }
    }
  } catch {
    // Reported below, with the text.
  }
  return { kind: 'failure', detail: `the answer has no statusCode: ${text.slice(0, 200)}` }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    onAbort(signal, () => reject(signal.reason))
  })
}
