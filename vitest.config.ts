import { defineConfig } from 'vitest/config'

const limits = { testTimeout: 20_000, hookTimeout: 30_000 }
const core = 'test/core/**/*.test.ts'
const cloud = 'test/{deploy,diagnose,diff,local,recorder}/**/*.test.ts'
// But for those that change their process: its date, its variables, its globals.
const sides =
  'test/{bench,docs,inspector,network,report,repository,sources,stores,stub,transports,types}/**/!(discovery|s3|exact-json|wrap-finding).test.ts'
// They install packages from the registry, or run a whole program ten times: `.ci/long` runs them.
const long = process.env.LONG === undefined ? ['test/*/long/**'] : []

export default defineConfig({
  test: {
    globalSetup: [
      'test/support/build-run-files.ts',
      'test/support/radosgw-once.ts',
      'test/support/package-once.ts',
    ],
    pool: 'forks',
    // Some of them wait most of the time, for processes that start and for sockets.
    maxWorkers: 3,
    projects: [
      // The core has no state at module level, and changes nothing of its process: its files share one, and load it once.
      { test: { ...limits, name: 'core', include: [core], isolate: false } },
      // They speak to the local cloud in their own process, whose modules and the AWS clients' take longer to load than most tests.
      { test: { ...limits, name: 'cloud', include: [cloud], isolate: false } },
      // They load brokers, compilers and clients, which takes longer than many of them.
      { test: { ...limits, name: 'sides', include: [sides], isolate: false } },
      // Tests start real threads, processes and brokers: a fork for each keeps a crash in one file from another's.
      {
        test: {
          ...limits,
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [core, cloud, sides, ...long],
        },
      },
    ],
  },
})
