import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { type Complete, defined } from '../../core/base/defined.js'
import { checkClock, checkDuration, checkFunction } from '../../core/base/option-checks.js'
import { type Check, checkOptions, mustBe, required } from '../../core/base/options.js'
import type { Endpoint } from '../../core/contracts/transport.js'

/** A fault of a frame, or of its connection at that frame. */
export type FaultKind = 'throttle' | 'cut' | 'drop' | 'corrupt' | 'duplicate' | 'reorder' | 'delay'

/** One fault that happened. */
export interface Fault {
  readonly kind: FaultKind
  /** The role that sent the frame. */
  readonly direction: Endpoint['role']
  /** Index of the frame among those in its direction, from 0. */
  readonly index: number
}

/**
 * The faults to cause. Shares are of the frames sent, from 0 (the default) to 1. Each frame's fate is a hash of the
 * seed, its direction and its index there, so it is the same in every run that sends the same frames.
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
  /** Frames that leave after the next frame of their connection, or after 50 ms without one. */
  readonly reorder?: number | undefined
  /** The longest delay of a frame, in milliseconds; delays are spread evenly between 0 and this. @default 0 */
  readonly delayMs?: number | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Called as each fault happens. */
  readonly onFault?: ((fault: Fault) => void) | undefined
}

/** The fate of one frame. */
export interface Fate {
  readonly throttle: boolean
  readonly cut: boolean
  readonly drop: boolean
  readonly duplicate: boolean
  readonly reorder: boolean
  /** The changed bit, as a share of the frame's length; undefined for no change. */
  readonly corruptAt: number | undefined
  readonly delayMs: number
}

/** One frame's fate, and a callback to report that a fault happened. */
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

/** Decides the fate of one frame. */
export function decideFate(plan: CheckedPlan, direction: Endpoint['role'], index: number): Fate {
  const hash = createHash('sha256').update(`${plan.seed}\0${direction}\0${index}`).digest()
  // Eight independent numbers from 0 to 1: the share of one kind never changes the frames that the other kinds hit.
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
