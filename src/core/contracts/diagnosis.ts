/**
 * How a check came out. `warning`: it works, and something about it may surprise; `skipped`: one that it rests on has failed;
 * `unknown`: it could not be found out.
 */
export type CheckOutcome = 'ok' | 'warning' | 'failed' | 'skipped' | 'unknown'

/** What a check has found. Its texts are safe to print and hold no secret. */
export interface Finding {
  readonly outcome: CheckOutcome
  /** What was seen. */
  readonly seen: string
  /** What to do about it. */
  readonly advice?: string | undefined
  /** Facts for programs, such as `{ offsetMs }`. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** One thing to look into between this machine and the broker. */
export interface TransportCheck {
  /** Such as `resolve`. */
  readonly id: string
  /** The ids of checks before it: when one of them fails, this one is skipped. @default none */
  readonly needs?: readonly string[] | undefined
  /** Looks. What it throws is its finding: `failed`, with the error's message. */
  run(signal: AbortSignal): Promise<Finding>
}

/** What `diagnose()` knows of its surroundings. */
export interface DiagnosisOptions {
  /** The URL of the server that says whose credentials are used, in place of the provider's own. @default the provider's */
  readonly identityEndpoint?: string | undefined
  /** How long that server may take, in milliseconds; then it is not known whose they are. @default 5,000 */
  readonly identityTimeoutMs?: number | undefined
}

/** What `diagnose()` of `lambda-tether/diagnose` looks into for a transport. */
export interface TransportDiagnosis {
  /** In their order, made for one diagnosis. `details.url` of one named `endpoint` is where functions have to connect as well. */
  readonly checks: readonly TransportCheck[]
  /** Through which phases connecting goes, by `details.during` of its errors, such as `upgrade`, `connect`, `subscribe`. */
  readonly phases: readonly string[]
}
