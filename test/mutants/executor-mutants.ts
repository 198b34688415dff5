import { answerMutants } from './executor-answer-mutants.js'
import { closingMutants } from './executor-closing-mutants.js'
import { contextMutants } from './executor-context-mutants.js'
import { errorMutants } from './executor-error-mutants.js'
import type { ExecutorMutant } from './executor-mutation.js'
import { outputMutants } from './executor-output-mutants.js'
import { stoppingMutants } from './executor-stopping-mutants.js'
import { streamingMutants } from './executor-streaming-mutants.js'
import { workerMutants } from './executor-worker-mutants.js'

/** Every broken executor, in the order of the tests that catch them. */
export const EXECUTOR_MUTANTS: readonly ExecutorMutant[] = [
  ...answerMutants,
  ...contextMutants,
  ...errorMutants,
  ...outputMutants,
  ...workerMutants,
  ...stoppingMutants,
  ...streamingMutants,
  ...closingMutants,
]
