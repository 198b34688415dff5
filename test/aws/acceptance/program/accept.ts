import { resolve } from 'node:path'
import { type AccountUnderTest, awsAccount, newRun } from '../account.js'
import { accountClients } from '../clients.js'
import { openLocal } from '../local.js'
import { leftRuns, removeRun } from '../remove.js'
import type { AcceptanceSettings, StackUnderTest } from '../settings.js'
import { chargesOf, costOf } from './cost.js'
import { type ProgramOptions, programOptions, USAGE, UsageError } from './options.js'

/** What the program runs in. */
export interface ProgramSurroundings {
  readonly env: NodeJS.ProcessEnv
  /** Asks a question and gives the answer; undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  print(text: string): void
  /** Runs the tests; true when all passed. */
  runTests(settings: AcceptanceSettings): Promise<boolean>
}

/** Runs the acceptance program. @returns its exit code: 0 passed, 1 failed or declined, 2 wrong arguments */
export async function accept(args: readonly string[], surroundings: ProgramSurroundings): Promise<number> {
  const { print, env } = surroundings
  try {
    const options = programOptions(args, env)
    if (options === undefined) {
      print(USAGE)
      return 0
    }
    if (!(await agreed(options, surroundings))) {
      print('Nothing was created.\n')
      return 1
    }
    await using account = await accountOf(options)
    return await acceptAccount(account.account, account.stack ?? options.stack, options, surroundings)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    print(`${error.message}\n`)
    return 2
  }
}

async function acceptAccount(
  account: AccountUnderTest,
  stack: StackUnderTest | undefined,
  { clean, report, yes }: ProgramOptions,
  { print, ask, runTests }: ProgramSurroundings,
): Promise<number> {
  using clients = accountClients(account)
  const remove = async (why: string, runs: readonly string[]) => {
    for (const left of runs) {
      print(`${why}: ${left}\n`)
      await removeRun(clients, left)
    }
  }
  const earlier = await leftRuns(clients)
  if (earlier.length > 0 && account.kind === 'aws' && !yes) {
    const question = `${earlier.join(', ')} left something, unless somebody else runs it now. Remove it? [y/N] `
    if (!isYes(await ask?.(question))) {
      print('Nothing was created or removed.\n')
      return 1
    }
  }
  await remove('Removing what an earlier run left', earlier)
  if (clean) return 0
  const folder = resolve(report ?? 'accept-report')
  const run = newRun()
  try {
    const passed = await runTests({ account, run, report: folder, ...(stack && { stack }) })
    print(`${passed ? 'All passed' : 'Not all passed'}. The report: ${folder}/report.md\n`)
    return passed ? 0 : 1
  } finally {
    // Nothing is left where the tests ended by themselves.
    const left = await leftRuns(clients)
    await remove(
      'Removing what the tests left',
      left.filter((one) => one === run),
    )
  }
}

async function agreed(options: ProgramOptions, { ask, print }: ProgramSurroundings): Promise<boolean> {
  const { target, yes, stack, clean } = options
  if (target.kind !== 'aws') return true
  print(clean ? `This removes what earlier runs left in ${target.region}.\n` : planText(target.region, stack))
  if (yes) return true
  if (ask === undefined) {
    throw new UsageError(
      'Nobody can be asked, as the input is no terminal. Say --yes to go on without a question.',
    )
  }
  return isYes(await ask('Go on? [y/N] '))
}

function isYes(answer = ''): boolean {
  return /^y(?:es)?$/i.test(answer.trim())
}

function planText(region: string, stack: StackUnderTest | undefined): string {
  const charges = chargesOf(stack !== undefined)
  const lines = charges.map(
    ({ what, amount, unit, usdPerMillion }) =>
      `  ${what}: at most ${amount.toLocaleString('en-US')} ${unit}, $${((amount * usdPerMillion) / 1e6).toFixed(4)}`,
  )
  return `This creates in ${region}, named lambda-tether-accept-…:
  3 IAM roles, 4 Lambda functions, 2 Lambda layers, 2 S3 buckets, retained messages of AWS IoT
It removes all of it at the end; after a crash, run it again, or with --clean. It changes nothing else.
It takes 10 to 20 minutes, and costs at most $${costOf(charges).toFixed(2)}:
${lines.join('\n')}
`
}

interface OpenAccount extends AsyncDisposable {
  readonly account: AccountUnderTest
  readonly stack?: StackUnderTest
}

async function accountOf({ target }: ProgramOptions): Promise<OpenAccount> {
  if (target.kind === 'local') return openLocal()
  const account = target.kind === 'aws' ? await awsAccount(target.region) : target.account
  return { account, async [Symbol.asyncDispose]() {} }
}
