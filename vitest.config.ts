import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { serverTests } from './test/support/server-tests.js'

const root = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  test: {
    include: process.env.ONLY_REAL_SERVERS === '1' ? serverTests(root) : ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-run-files.ts', 'test/support/radosgw-once.ts'],
    // Tests start real threads, processes and brokers: forks keep a crash in one file from another's.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
