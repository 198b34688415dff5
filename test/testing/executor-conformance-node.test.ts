import { describe, test } from 'vitest'
import { executorConformance } from '../../src/testing/index.js'
import { CONCURRENTLY, nodeSubject, WAIT_MS } from './executor-subjects.js'

describe('child processes of Node', CONCURRENTLY, () => {
  executorConformance({ test, waitMs: WAIT_MS, ...nodeSubject })
})
