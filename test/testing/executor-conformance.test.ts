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

/** Most tests wait for a process to start, or to end, which takes long on a machine with much to do. */
const concurrently = { concurrent: true, timeout: 60_000 }
const waitMs = 30_000

describe('inline', concurrently, () => {
  executorConformance({ test, waitMs, ...inlineSubject })
})

describe('worker threads', concurrently, () => {
  executorConformance({ test, waitMs, ...threadSubject })
})

describe('child processes of Node', concurrently, () => {
  executorConformance({ test, waitMs, ...nodeSubject })
})

describe.skipIf(!available('python3'))('child processes of Python (needs python3)', concurrently, () => {
  executorConformance({ test, waitMs, ...pythonSubject })
})

describe.skipIf(!ricSubject)(
  'the runtime of AWS for Node (needs aws-lambda-ric, named by AWS_LAMBDA_RIC)',
  concurrently,
  () => {
    executorConformance({ test, waitMs, ...(ricSubject ?? nodeSubject) })
  },
)
