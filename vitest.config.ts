import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-run-files.ts', 'test/support/radosgw-once.ts'],
    // Tests start real threads, processes and brokers: forks keep a crash in one file from another's.
    pool: 'forks',
    // Some of them wait most of the time, for processes that start and for sockets.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
