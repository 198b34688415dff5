/** Two templates for the worker; each has the resources that matter. */
export interface DiffRequest {
  readonly id: number
  readonly before: object
  readonly after: object
}

/** What the worker answers. */
export type DiffAnswer = { readonly id: number } & (
  | { readonly result: LibraryResult }
  | { readonly error: string }
)

/** What `@aws-cdk/cloudformation-diff` finds, in its own words. */
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
