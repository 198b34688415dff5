/** The fields of the server's answers that the page reads; docs/inspector.md has all of them. */
export interface Status {
  readonly session: { readonly app: string; readonly stage: string; readonly name: string }
  readonly connection: {
    readonly state: 'connecting' | 'connected' | 'disconnected' | 'closed'
    readonly error?: { readonly message?: string } | undefined
    readonly retryInMs?: number | undefined
  }
  readonly transport: string
  readonly lanes?: readonly number[] | undefined
  readonly stats: Stats
  readonly functions: readonly FunctionAnswer[]
  readonly displaced: boolean
  readonly displacedBy?: { readonly id: string; readonly openedAt: string } | undefined
  /** Empty without a team. */
  readonly team?: readonly Member[] | undefined
  readonly discards: readonly Dropped[]
  readonly remoteReplay: boolean
  /** Whether the host can find out why no invocation arrives. */
  readonly diagnose: boolean
}

export interface Stats {
  readonly invocations: Readonly<
    Record<'received' | 'answered' | 'failed' | 'declined' | 'running' | 'overlaps', number>
  >
  readonly frames: Readonly<Record<'sent' | 'sentBytes' | 'received' | 'receivedBytes', number>>
  readonly connections: number
  readonly connectedMs: number
  readonly estimatedUsd?: number | undefined
}

export interface FunctionAnswer {
  readonly functionId: string
  readonly source?: string | undefined
  readonly state: 'ready' | 'building' | 'failed' | 'unbuilt'
  readonly error?: BuildError | undefined
  readonly workers: number
  readonly spares: number
  readonly memoryBytes?: number | undefined
  readonly inspectPort?: number | undefined
}

export interface BuildError {
  readonly message: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
  /** The line of source. */
  readonly text?: string | undefined
}

/** A session of the team that is on the stage. */
export interface Member {
  readonly name: string
  readonly state: string
  /** ISO 8601. */
  readonly since: string
  readonly own: boolean
  /** Absent for everything, and unless it is `online`. */
  readonly take?: object | undefined
  readonly overlaps: number
}

export interface Dropped {
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly lastAt: string
}

/** A row of the list. */
export interface Head {
  readonly id: string
  readonly functionId: string
  readonly trigger: string
  readonly title: string
  /** ISO 8601. */
  readonly at: string
  readonly state: 'running' | 'value' | 'error' | 'declined'
  readonly status?: number | undefined
  readonly errorType?: string | undefined
  readonly durationMs?: number | undefined
  readonly mirrored: unknown
  readonly rerun: boolean
  readonly replayed: boolean
  readonly eventBytes: number
  /** Bytes of a streamed response, up to now if it goes on. */
  readonly streamedBytes?: number | undefined
}

export interface HeadPage {
  readonly invocations: readonly Head[]
  readonly cursor: string
  readonly more: boolean
}

export type ShownOutcome =
  | { readonly kind: 'value'; readonly value?: unknown; readonly valueBase64?: string | undefined }
  | { readonly kind: 'error'; readonly error: LocalError }
  | { readonly kind: 'declined'; readonly reason: string }

export interface LocalError {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace: readonly string[]
}

export interface LogLine {
  /** Since the arrival. */
  readonly atMs: number
  readonly stream: 'stdout' | 'stderr'
  readonly level?: string | undefined
  readonly text: string
}

/** A span of the waterfall, in milliseconds since the arrival, by the clock of the host. */
export interface TimeSpan {
  readonly name: string
  readonly startMs: number
  readonly endMs: number
}

/** A streamed response, up to now if it goes on. */
export interface StreamedAnswer {
  readonly contentType?: string | undefined
  readonly bytes: number
  /** The response's beginning. Absent if the outcome has it as JSON, and for bytes that are not text. */
  readonly text?: string | undefined
  /** Times are since the arrival. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: number }[]
}

/** One invocation. */
export interface Detail {
  readonly head: Head
  readonly context: object
  readonly event?: unknown
  /** An event that is not JSON. */
  readonly eventBase64?: string | undefined
  /** JSON pointers into `event` to the masked values. */
  readonly eventPointers: readonly string[]
  readonly outcome?: ShownOutcome | undefined
  /** JSON pointers into `outcome` to the masked values. */
  readonly outcomePointers: readonly string[]
  readonly stream?: StreamedAnswer | undefined
  readonly logs: readonly LogLine[]
  /** Number of lines that exceeded the room for them. */
  readonly droppedLogs: number
  readonly timing: readonly TimeSpan[]
  readonly variables: readonly string[]
  /** The host's own redaction leaves it out. */
  readonly leftOut?: true | undefined
}

export interface ReplayAnswer {
  readonly id?: string | undefined
  readonly outcome?: ShownOutcome | undefined
  /** Absent without an outcome to compare with. */
  readonly diff?: {
    readonly equal: boolean
    readonly changes: readonly AnswerChange[]
    readonly text: string
  }
}

export interface AnswerChange {
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  readonly before?: unknown
  readonly after?: unknown
}

export interface DiagnosisResult {
  readonly ok: boolean
  readonly checks: readonly CheckResult[]
}

export interface CheckResult {
  readonly id: string
  readonly outcome: string
  readonly seen: string
  readonly advice?: string | undefined
}
