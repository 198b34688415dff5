import { type PayloadStoreConformanceOptions, payloadStoreConformance } from '../../src/testing/index.js'
import { EXECUTOR_MUTANTS } from './executor-mutants.js'
import { executorTestNames } from './executor-suite.js'
import { STORE_MUTANTS } from './payload-stores.js'
import { TRANSPORT_MUTANTS } from './transport-mutants.js'
import type { TransportMutant } from './transport-mutation.js'
import { failuresOf, transportTests } from './transport-suite.js'

const failed = new Map<TransportMutant, Promise<string[]>>()

/** The tests that a broken transport fails. They run once: that takes a minute of computing for all of them. */
export function failedBy(mutant: TransportMutant): Promise<string[]> {
  const known = failed.get(mutant) ?? failuresOf(transportTests(mutant.make, mutant.without))
  failed.set(mutant, known)
  return known
}

/** Which deliberately broken implementation fails which test of the published suites, as Markdown. */
export async function mutantTables(): Promise<string> {
  const transports: Broken[] = []
  for (const mutant of TRANSPORT_MUTANTS) {
    const { name, caughtBy } = mutant
    transports.push({ name, madeFor: [caughtBy], fails: await failedBy(mutant) })
  }
  const stores = STORE_MUTANTS.map(({ wrong, failed }) => ({ name: wrong, madeFor: failed, fails: failed }))
  const executors = EXECUTOR_MUTANTS.map(({ name, caughtBy }) => ({
    name,
    madeFor: caughtBy,
    fails: caughtBy,
  }))
  const transportNames = transportTests().map(({ name }) => name)
  return [
    '<!-- Written by `npm run docs:mutants`. Change test/mutants, not this. -->',
    '# What each conformance test catches',
    '',
    'A test that no broken implementation fails is not a test. So each test of the suites in `lambda-tether/testing` is',
    'run against implementations that are wrong on purpose, and these are the ones that fail it; those made for it in bold.',
    '',
    '## `transportConformance`',
    '',
    ...table('a transport that …', transportNames, transports),
    '',
    '## `payloadStoreConformance`',
    '',
    ...table('a store that …', payloadStoreTests(), stores),
    '',
    '## `executorConformance`',
    '',
    ...table('an executor that …', executorTestNames(), executors),
    '',
  ].join('\n')
}

interface Broken {
  readonly name: string
  readonly madeFor: readonly string[]
  readonly fails: readonly string[]
}

function table(kind: string, tests: readonly string[], mutants: readonly Broken[]): string[] {
  const rows = tests.map((test) => {
    const failing = mutants.filter(({ fails }) => fails.includes(test))
    const made = failing.filter(({ madeFor }) => madeFor.includes(test))
    const others = failing.filter((mutant) => !made.includes(mutant))
    const caught = [
      ...made.map(({ name }) => `**${escaped(name)}**`),
      ...others.map(({ name }) => escaped(name)),
    ]
    return `| ${escaped(test)} | ${caught.join('; ')} |`
  })
  return [`| test | is failed by ${kind} |`, '|---|---|', ...rows]
}

function payloadStoreTests(): string[] {
  const names: string[] = []
  const factory: PayloadStoreConformanceOptions['factory'] = () => {
    throw new Error('The tests are listed here, not run.')
  }
  payloadStoreConformance({ test: (name) => names.push(name), factory })
  return names
}

/** Text as Markdown that shows it as it is. */
function escaped(text: string): string {
  return text.replaceAll(/[|_*<[\]#`\\]/g, '\\$&')
}
