import type { LambdaContext } from './executor.js'

/** A Lambda handler: called with the parsed event; what it returns, or resolves to, is the response. */
// biome-ignore lint/suspicious/noExplicitAny: users type their own events, as with @types/aws-lambda
export type Handler<E = any, R = unknown> = (
  event: E,
  context: LambdaContext,
  callback?: HandlerCallback,
) => R

/** The third parameter of a callback-style handler. */
export type HandlerCallback = (error?: unknown, result?: unknown) => void

/** Local code, ready to run. */
export type FunctionBuild =
  /** A module on disk and the name of its export. `path` is absolute. */
  | { readonly kind: 'file'; readonly path: string; readonly exportName: string }
  /** For hosts with their own module graph; runs in the inline executor only. */
  | { readonly kind: 'module'; load(): Promise<Handler> }

/** Where a function's local code comes from. */
export interface FunctionSource {
  /**
   * The current build. Called once before the first invocation and once after each change.
   * @throws TetherError `BUILD_FAILED` with `details: { file, line, column, text }` where known
   */
  load(): Promise<FunctionBuild>
  /** Calls `listener` after each change to what `load` read; the session then loads anew. */
  watch?(listener: () => void): Disposable
  /** Frees what the source holds (build contexts, output folders). Called when the session closes. */
  close?(): Promise<void>
}
