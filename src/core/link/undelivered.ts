/** That the other side goes without a message, or without parts of it, although what is small passes both ways. */
export type Undelivered = Readonly<{
  sinceAt: number
  /** How many frames in a row have not arrived. */
  frames: number
  /** How many parts were missing the last time; infinite where all of them were. */
  missing: number
}>

/** Frames that are larger may be over a broker's limit; every transport carries as much. */
const SMALL_BYTES = 1_024
/** Fewer in a row may be lost by chance. */
const IN_A_ROW = 6

/** Whether a broker may drop a frame for its size. */
export function isLarge(frameBytes: number): boolean {
  return frameBytes > SMALL_BYTES
}

/** Notes that a message has not arrived; some of it may have since the last time. */
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

/** Whether the broker drops it for its size. @param patienceMs how long that must have gone on */
export function isDropped(
  { sinceAt, frames }: Undelivered,
  frameBytes: number,
  patienceMs: number,
  now: number,
): boolean {
  return isLarge(frameBytes) && frames >= IN_A_ROW && now - sinceAt >= patienceMs
}

/** What to do about it. */
export function limitAdvice(frameBytes: number, side: string): string {
  const bytes = frameBytes.toLocaleString('en-US')
  return (
    `Small messages reach ${side}, those of ${bytes} bytes do not: they are over a limit of the broker ` +
    `(Mosquitto: max_packet_size, message_size_limit). Set 'frameBytes' below it on both sides, or raise it.`
  )
}
