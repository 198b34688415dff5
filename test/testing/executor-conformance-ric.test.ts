import { describe, test } from 'vitest'
import { executorConformance } from '../../src/testing/index.js'
import { CONCURRENTLY, nodeSubject, ricSubject, WAIT_MS } from './executor-subjects.js'

const ric = ricSubject()

describe.skipIf(!ric)(
  'the runtime of AWS for Node (needs aws-lambda-ric, named by AWS_LAMBDA_RIC)',
  CONCURRENTLY,
  () => {
    executorConformance({ test, waitMs: WAIT_MS, ...(ric ?? nodeSubject) })
  },
)
