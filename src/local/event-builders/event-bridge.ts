import { randomUUID } from 'node:crypto'
import { checkText, listOf } from '../../core/base/option-checks.js'
import { type Checks, checkOptions, mustBe, required } from '../../core/base/options.js'
import { completeOrigin, type EventOrigin, originChecks } from './origin.js'

/** An event from EventBridge: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
export interface BuiltBusEvent<Type extends string, Detail> {
  version: string
  id: string
  'detail-type': Type
  source: string
  account: string
  /** Whole seconds: `2026-11-30T12:00:00Z`. */
  time: string
  region: string
  resources: string[]
  detail: Detail
}

/** The content of a bus event. */
export interface EventBridgeOptions<Type extends string = string, Detail = unknown> extends EventOrigin {
  readonly source: string
  readonly detailType: Type
  /** Any JSON value. */
  readonly detail: Detail
  /** ARNs. @default none */
  readonly resources?: readonly string[] | undefined
}

/** The rule that fires. */
export interface ScheduleOptions extends EventOrigin {
  /** @default 'schedule' */
  readonly ruleName?: string | undefined
}

/** Builds an event of an event bus. @throws TetherError `INVALID_OPTION` */
export function eventBridgeEvent<Type extends string, Detail>(
  options: EventBridgeOptions<Type, Detail>,
): BuiltBusEvent<Type, Detail> {
  const {
    source,
    detailType,
    detail,
    resources = [],
  } = checkOptions('eventBridge', options, {
    source: required(checkText),
    detailType: required(checkText),
    detail: required(checkDetail),
    resources: listOf('a list of ARNs', checkText),
    ...originChecks,
  } satisfies Checks<EventBridgeOptions>)
  const { region, accountId, at } = completeOrigin(options)
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: accountId,
    time: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [...resources],
    detail,
  }
}

/** Builds the event of a scheduled rule. @throws TetherError `INVALID_OPTION` */
export function scheduledEvent(
  options: ScheduleOptions = {},
): BuiltBusEvent<'Scheduled Event', Record<string, never>> {
  const { ruleName = 'schedule', ...origin } = checkOptions('schedule', options, {
    ruleName: checkText,
    ...originChecks,
  })
  const { region, accountId } = completeOrigin(origin)
  return eventBridgeEvent({
    ...origin,
    source: 'aws.events',
    detailType: 'Scheduled Event',
    detail: {},
    resources: [`arn:aws:events:${region}:${accountId}:rule/${ruleName}`],
  })
}

function checkDetail(name: string, value: unknown): void {
  mustBe('a JSON value', !['undefined', 'function', 'symbol'].includes(typeof value), name, value)
}
