/** Two templates for the worker, reduced to the resources to compare. */
export interface DiffRequest {
  readonly id: number
  readonly before: object
  readonly after: object
}

/** The worker's answer. */
export type DiffAnswer = { readonly id: number } & (
  | { readonly result: LibraryResult }
  | { readonly error: string }
)

/** The result of `@aws-cdk/cloudformation-diff`, in its own terms. */
export interface LibraryResult {
  readonly resources: readonly {
    readonly logicalId: string
    readonly type: string
    readonly impact: string
    readonly properties: readonly string[]
  }[]
  readonly widened: readonly {
    readonly principals: readonly string[]
    readonly actions: readonly string[]
    readonly resources: readonly string[]
  }[]
}
