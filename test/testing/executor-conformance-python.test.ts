import { describe, test } from 'vitest'
import { executorConformance } from '../../src/testing/index.js'
import { available, CONCURRENTLY, pythonSubject, WAIT_MS } from './executor-subjects.js'

describe.skipIf(!available('python3'))('child processes of Python (needs python3)', CONCURRENTLY, () => {
  executorConformance({ test, waitMs: WAIT_MS, ...pythonSubject })
})
