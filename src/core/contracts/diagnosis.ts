/**
 * The outcome of a check. `warning`: it works, but something may surprise; `skipped`: a check that it depends on has
 * failed; `unknown`: it could not be determined.
 */
export type CheckOutcome = 'ok' | 'warning' | 'failed' | 'skipped' | 'unknown'

/** The finding of a check. Its texts are safe to print and hold no secret. */
export interface Finding {
  readonly outcome: CheckOutcome
  /** The observation. */
  readonly seen: string
  /** The remedy. */
  readonly advice?: string | undefined
  /** Facts for programs, such as `{ offsetMs }`. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** One check on the way from this machine to the broker. */
export interface TransportCheck {
  /** For example `resolve`. */
  readonly id: string
  /** Ids of earlier checks. If one of them fails, this check is skipped. @default none */
  readonly needs?: readonly string[] | undefined
  /** Runs the check. An error thrown becomes the finding: `failed`, with the error's message. */
  run(signal: AbortSignal): Promise<Finding>
}

/** Options that `diagnose()` passes to a transport's checks. */
export interface DiagnosisOptions {
  /**
   * The URL of the server that tells which identity the credentials belong to, instead of the provider's own.
   * @default the provider's
   */
  readonly identityEndpoint?: string | undefined
  /** The time limit for that server, in milliseconds; after it the identity stays unknown. @default 5,000 */
  readonly identityTimeoutMs?: number | undefined
}

/** The part of `diagnose()` of `lambda-tether/diagnose` that belongs to a transport. */
export interface TransportDiagnosis {
  /**
   * The checks in order, made for one diagnosis. A check named `endpoint` gives in `details.url` the URL to which
   * functions must connect as well.
   */
  readonly checks: readonly TransportCheck[]
  /** The phases of connecting, as in `details.during` of its errors: `upgrade`, `connect`, `subscribe`. */
  readonly phases: readonly string[]
}
