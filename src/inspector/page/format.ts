import type { Status } from './api/contract.js'

/** Numbers and times as the page writes them. */
export function milliseconds(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 60_000).toFixed(1)} min`
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} KB` : `${(count / 1e6).toFixed(1)} MB`
}

export function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 0.01 ? 6 : usd < 1 ? 4 : 2)}`
}

/** How long ago, in one unit. */
export function age(at: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`
}

/** A session that has taken the name. */
export function sessionText(by: Status['displacedBy']): string {
  if (by === undefined) return 'another session'
  return `another session (${by.id}), which was opened at ${new Date(by.openedAt).toLocaleTimeString()}`
}
