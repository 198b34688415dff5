import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that wait for processes most of the time: last, they would leave the other workers with nothing. */
const LONG_FILES =
  /examples|executor-(?:conformance|mutants)|api-gateway-(?:conformance|sending)|child-process|import-kinds|live-conflicts|programs/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG_FILES.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

// A busy machine takes long for what a process, a thread or a socket does.
const limits = { testTimeout: 20_000, hookTimeout: 30_000, expect: { poll: { timeout: 15_000 } } }
const folders =
  '{aws,bench,core,deploy,diagnose,diff,docs,executors,inspector,local,mutants,named,network,recorder,report,repository,sources,stores,stub,testing,transports,types}'
// They change their process, its date, its variables or its globals, open its debugger, or may end it.
const alone =
  'chaos-accounting|child-process|debug-inspector|debug-process|debug-server|debug-thread|discovery|esbuild|exact-json|executor-mutants|fake-timers|inline|out-of-files|profile|quiet-require|s3.|s3-lifecycle|versions|worker-thread-crashes|wrap-finding'
const shared = `test/${folders}/**/!(${alone}).test.ts`
// They install packages from the registry, or run a whole program ten times: `.ci/long` runs them.
const long = process.env.LONG === undefined ? ['test/*/long/**'] : []

export default defineConfig({
  test: {
    globalSetup: [
      'test/support/python-first.ts',
      'test/support/build-run-files.ts',
      'test/support/radosgw-once.ts',
      'test/support/package-once.ts',
    ],
    pool: 'forks',
    // Some of them wait most of the time, for processes that start and for sockets.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      // They change nothing of their process and share it: loading the sources, brokers, compilers and AWS's clients takes
      // longer than many of them.
      { test: { ...limits, name: 'shared', include: [shared], exclude: long, isolate: false } },
      // A fork for each keeps a crash in one file from another's. They come last: some wait for the packed package, which is built meanwhile.
      {
        test: {
          ...limits,
          name: 'real',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          exclude: [shared, ...long],
        },
      },
    ],
  },
})
