import { printable } from '../core/base/printable.js'
import type { Finding } from '../core/contracts/diagnosis.js'

/** One check of {@link Diagnosis}. */
export interface DiagnosisCheck extends Finding {
  /** Such as `tls`; docs/diagnose.md lists all. A custom transport may have others. */
  readonly id: string
}

/** The result of `diagnose()`. */
export interface Diagnosis {
  /** Whether no check failed. */
  readonly ok: boolean
  /** In the order of the checks. */
  readonly checks: readonly DiagnosisCheck[]
  /** A text for people: a line for each check and for each advice. */
  toString(): string
}

/** Combines checks into a diagnosis. */
export function diagnosisOf(checks: readonly DiagnosisCheck[]): Diagnosis {
  const ok = checks.every(({ outcome }) => outcome !== 'failed')
  return { ok, checks, toString: () => checks.map(checkText).join('\n') }
}

const ID_LETTERS = 12
const OUTCOME_LETTERS = 8

function checkText({ id, outcome, seen, advice }: DiagnosisCheck): string {
  const head = `${outcome.padEnd(OUTCOME_LETTERS)} ${id.padEnd(ID_LETTERS)} `
  return `${head}${printable(seen)}${advice === undefined ? '' : `\n${' '.repeat(head.length)}→ ${printable(advice)}`}`
}
