import { describe, test } from 'vitest'
import { executorConformance } from '../../src/testing/index.js'
import { CONCURRENTLY, inlineSubject, threadSubject, WAIT_MS } from './executor-subjects.js'

describe('inline', CONCURRENTLY, () => {
  executorConformance({ test, waitMs: WAIT_MS, ...inlineSubject })
})

describe('worker threads', CONCURRENTLY, () => {
  executorConformance({ test, waitMs: WAIT_MS, ...threadSubject })
})
