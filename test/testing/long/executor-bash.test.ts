import { describe, test } from 'vitest'
import { executorConformance } from '../../../src/testing/index.js'
import { available, bashSubject } from '../executor-subjects.js'

describe.skipIf(!available('bash', 'curl'))(
  'a custom runtime in bash (needs bash and curl)',
  { concurrent: true },
  () => {
    executorConformance({ test, ...bashSubject })
  },
)
