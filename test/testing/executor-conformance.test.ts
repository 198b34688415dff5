import { describe, test } from 'vitest'
import { executorConformance } from '../../src/testing/index.js'
import {
  available,
  inlineSubject,
  nodeSubject,
  pythonSubject,
  ricSubject,
  threadSubject,
} from './executor-subjects.js'

/** Most tests wait for a process to start, or to end. */
const concurrently = { concurrent: true }

describe('inline', concurrently, () => {
  executorConformance({ test, ...inlineSubject })
})

describe('worker threads', concurrently, () => {
  executorConformance({ test, ...threadSubject })
})

describe('child processes of Node', concurrently, () => {
  executorConformance({ test, ...nodeSubject })
})

describe.skipIf(!available('python3'))('child processes of Python (needs python3)', concurrently, () => {
  executorConformance({ test, ...pythonSubject })
})

describe.skipIf(!ricSubject)(
  'the runtime of AWS for Node (needs aws-lambda-ric, named by AWS_LAMBDA_RIC)',
  concurrently,
  () => {
    executorConformance({ test, ...(ricSubject ?? nodeSubject) })
  },
)
