import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { type Complete, defined } from '../../core/base/defined.js'
import { checkClock, checkDuration, checkFunction } from '../../core/base/option-checks.js'
import { type Check, checkOptions, mustBe, required } from '../../core/base/options.js'
import type { Endpoint } from '../../core/contracts/transport.js'

/** What can befall a frame, or at a frame its connection. */
export type FaultKind = 'throttle' | 'cut' | 'drop' | 'corrupt' | 'duplicate' | 'reorder' | 'delay'

/** One fault, as it was decided. */
export interface Fault {
  readonly kind: FaultKind
  /** The role that sent the frame. */
  readonly direction: Endpoint['role']
  /** Which of the frames of that direction it was, from 0. */
  readonly index: number
}

/**
 * What is to go wrong. Shares are of the frames sent, from 0 (the default) to 1. Each frame's fate is a hash of the
 * seed, its direction and its index there, and so the same in every run that sends the same frames.
 */
export interface FaultPlan {
  readonly seed: number | string
  /** Frames for which `send` throws `THROTTLED`. */
  readonly throttle?: number | undefined
  /** Frames at which their sender's connection breaks; the frame is lost with it. */
  readonly cut?: number | undefined
  /** Frames that vanish. */
  readonly drop?: number | undefined
  /** Frames that arrive with one bit changed. */
  readonly corrupt?: number | undefined
  /** Frames that arrive twice. */
  readonly duplicate?: number | undefined
  /** Frames that leave after the next one of their connection, or after 50 ms if there is none. */
  readonly reorder?: number | undefined
  /** The longest that a frame travels longer; each frame's time lies evenly between 0 and this. @default 0 */
  readonly delayMs?: number | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Called as each fault happens. */
  readonly onFault?: ((fault: Fault) => void) | undefined
}

/** What becomes of one frame. */
export interface Fate {
  readonly throttle: boolean
  readonly cut: boolean
  readonly drop: boolean
  readonly duplicate: boolean
  readonly reorder: boolean
  /** Which bit changes, as a share of the frame's length; undefined for none. */
  readonly corruptAt: number | undefined
  readonly delayMs: number
}

/** One frame's fate, and how to tell that it was met. */
export interface Decision {
  readonly fate: Fate
  tell(kind: FaultKind): void
}

const checkShare: Check = (name, value) =>
  mustBe('a share from 0 to 1', typeof value === 'number' && value >= 0 && value <= 1, name, value)

export type CheckedPlan = Complete<Omit<FaultPlan, 'onFault'>> & Pick<FaultPlan, 'onFault'>

/** @throws TetherError `INVALID_OPTION` naming the option */
export function checkFaultPlan(plan: FaultPlan): CheckedPlan {
  checkOptions<FaultPlan>('faulty', plan, {
    seed: required((name, seed) =>
      mustBe('a number or a text', typeof seed === 'string' || Number.isFinite(seed), name, seed),
    ),
    throttle: checkShare,
    cut: checkShare,
    drop: checkShare,
    corrupt: checkShare,
    duplicate: checkShare,
    reorder: checkShare,
    delayMs: checkDuration,
    clock: checkClock,
    onFault: checkFunction,
  })
  const none = { throttle: 0, cut: 0, drop: 0, corrupt: 0, duplicate: 0, reorder: 0 }
  const { delayMs = 0, clock = systemClock } = plan
  return { ...none, ...defined(plan), delayMs, clock }
}

/** What the plan has for one frame. */
export function decideFate(plan: CheckedPlan, direction: Endpoint['role'], index: number): Fate {
  const hash = createHash('sha256').update(`${plan.seed}\0${direction}\0${index}`).digest()
  // Eight independent numbers from 0 to 1: a kind's share never changes what the others hit.
  const draw = (place: number) => hash.readUInt32BE(place * 4) / 2 ** 32
  return {
    throttle: draw(0) < plan.throttle,
    cut: draw(1) < plan.cut,
    drop: draw(2) < plan.drop,
    corruptAt: draw(3) < plan.corrupt ? draw(7) : undefined,
    duplicate: draw(4) < plan.duplicate,
    reorder: draw(5) < plan.reorder,
    delayMs: draw(6) * plan.delayMs,
  }
}
