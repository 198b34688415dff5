import { BoundedMap } from '../base/bounded-map.js'
import { BoundedTime } from '../base/bounded-time.js'
import type { Clock } from '../base/clock.js'

interface SenderWindow {
  /** Numbers seen in this period and in the one before. */
  current: Set<number>
  previous: Set<number>
  /** The highest number seen so far, and when the last period ended. */
  highest: number
  highestBefore: number
  /** Everything up to here counts as seen. */
  floor: number
}

const MAX_SENDERS = 10_000

/**
 * Tells messages that were seen from new ones, for as long as a sender is remembered: by number for at least a minute, and
 * after that by being older than what was seen a minute before.
 */
export class ReplayWindow {
  /** A clock that jumps ends one period, not two: what is on its way then is not taken for seen. */
  readonly #time: BoundedTime
  readonly #periodMs: number
  readonly #senders = new BoundedMap<string, SenderWindow>(MAX_SENDERS)
  #turnsAt: number

  constructor(clock: Clock, periodMs: number) {
    this.#time = new BoundedTime(clock, periodMs)
    this.#periodMs = periodMs
    this.#turnsAt = periodMs
  }

  seen(senderId: string, number: number): boolean {
    this.#turn()
    const sender = this.#senders.get(senderId)
    if (sender === undefined) return false
    return number <= sender.floor || sender.current.has(number) || sender.previous.has(number)
  }

  add(senderId: string, number: number): void {
    this.#turn()
    const sender = this.#senders.get(senderId) ?? {
      current: new Set(),
      previous: new Set(),
      highest: -1,
      highestBefore: -1,
      floor: -1,
    }
    sender.current.add(number)
    sender.highest = Math.max(sender.highest, number)
    this.#senders.set(senderId, sender)
  }

  #turn(): void {
    const now = this.#time.now()
    if (now < this.#turnsAt) return
    const twice = now >= this.#turnsAt + this.#periodMs
    this.#turnsAt = now + this.#periodMs
    for (const sender of this.#senders.values()) {
      sender.floor = twice ? sender.highest : sender.highestBefore
      sender.highestBefore = sender.highest
      sender.previous = twice ? new Set() : sender.current
      sender.current = new Set()
    }
  }
}
