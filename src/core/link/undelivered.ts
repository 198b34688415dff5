/** Set while a message or parts of it do not reach the other side, although small messages pass both ways. */
export type Undelivered = Readonly<{
  sinceAt: number
  /** How many frames in a row have not arrived. */
  frames: number
  /** The number of parts missing last time; infinite if all were missing. */
  missing: number
}>

/** Every transport carries frames of this size; larger ones may exceed a broker's limit. */
const SMALL_BYTES = 1_024
/** Fewer in a row may be lost by chance. */
const IN_A_ROW = 6

/** Whether a broker may drop a frame because of its size. */
export function isLarge(frameBytes: number): boolean {
  return frameBytes > SMALL_BYTES
}

/** Records that a message has not arrived; parts of it may have arrived since the last time. */
export function notArrived(
  before: Undelivered | undefined,
  missing: number | undefined,
  now: number,
): Undelivered {
  const parts = missing ?? Number.POSITIVE_INFINITY
  const frames = missing ?? 1
  if (before === undefined || parts < before.missing) return { sinceAt: now, frames, missing: parts }
  return { ...before, frames: before.frames + frames }
}

/** Whether the broker evidently drops it because of its size. @param patienceMs how long that must have lasted */
export function isDropped(
  { sinceAt, frames }: Undelivered,
  frameBytes: number,
  patienceMs: number,
  now: number,
): boolean {
  return isLarge(frameBytes) && frames >= IN_A_ROW && now - sinceAt >= patienceMs
}

/** The advice for that case. */
export function limitAdvice(frameBytes: number, side: string): string {
  const bytes = frameBytes.toLocaleString('en-US')
  return (
    `Small messages reach ${side}, those of ${bytes} bytes do not: they are over a limit of the broker ` +
    `(Mosquitto: max_packet_size, message_size_limit). Set 'frameBytes' below it on both sides, or raise it.`
  )
}
