import { BoundedMap } from '../base/bounded-map.js'
import { BoundedTime } from '../base/bounded-time.js'
import type { Clock } from '../base/clock.js'

interface SenderWindow {
  /** Numbers seen in this period and in the previous one. */
  current: Set<number>
  previous: Set<number>
  /** The highest number seen so far, and when the last period ended. */
  highest: number
  highestBefore: number
  /** Everything up to this number counts as seen. */
  floor: number
  /** Whether no number of this sender can have been forgotten. */
  proven: boolean
}

const MAX_SENDERS = 10_000

/**
 * Tells repeated messages from new ones as long as a sender is remembered: by number for at least a minute, and after
 * that by being older than the messages seen a minute before.
 */
export class ReplayWindow {
  /** A clock that jumps ends one period, not two: messages then under way do not count as seen. */
  readonly #time: BoundedTime
  readonly #periodMs: number
  readonly #senders: BoundedMap<string, SenderWindow>
  /** Whether any sender was ever forgotten: a new one may then be a returning one. */
  #forgot = false
  #turnsAt: number

  constructor(clock: Clock, periodMs: number, maxSenders = MAX_SENDERS) {
    this.#senders = new BoundedMap(
      maxSenders,
      () => 1,
      () => {
        this.#forgot = true
      },
    )
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
      proven: !this.#forgot,
    }
    sender.current.add(number)
    sender.highest = Math.max(sender.highest, number)
    this.#senders.set(senderId, sender)
  }

  /**
   * Whether every message seen from this sender is still recognized. False if senders were forgotten before it came: it
   * may have been among them.
   */
  proven(senderId: string): boolean {
    return this.#senders.get(senderId)?.proven ?? !this.#forgot
  }

  /**
   * Records that the sender made message `number` just now, in answer to a challenge: all earlier ones count as seen.
   */
  prove(senderId: string, number: number): void {
    const sender = this.#senders.get(senderId)
    if (sender === undefined || sender.proven) return
    sender.proven = true
    sender.floor = Math.max(sender.floor, number - 1)
  }

  #turn(): void {
    const now = this.#time.now()
    if (now < this.#turnsAt) return
    this.#turnsAt = now + this.#periodMs
    for (const sender of this.#senders.values()) {
      // Never lowered: the floor set by `prove` is permanent.
      sender.floor = Math.max(sender.floor, sender.highestBefore)
      sender.highestBefore = sender.highest
      sender.previous = sender.current
      sender.current = new Set()
    }
  }
}
