import type { Answer } from '../../answers/answer.js'
import type { AccountUnderTest } from '../account.js'
import { accountClients } from '../clients.js'
import type { AnswerCase, CaseContext } from './case.js'
import { iamCases, lastIamCases } from './iam.js'
import { iotDataCases } from './iot-data.js'
import { functionCases, lastLambdaCases, layerCases } from './lambda.js'
import { s3Cases } from './s3.js'

const CASES = [...iamCases, ...s3Cases, ...iotDataCases, ...functionCases, ...layerCases]
const LAST_CASES = [...lastLambdaCases, ...lastIamCases]

/** The answer to one case. */
export interface CaseAnswer extends Answer {
  readonly case: string
  /** The code that the case expects; undefined for success. */
  readonly expected: string | undefined
}

/** Asks an account everything; more cases come before what was created is deleted. */
export async function recordCases(
  account: AccountUnderTest,
  name: string,
  more: readonly AnswerCase[] = [],
): Promise<CaseAnswer[]> {
  let last: Answer | undefined
  let operation = ''
  using clients = accountClients(account, (answer) => {
    if (answer.operation === operation) last = answer
  })
  const context: CaseContext = { ...clients, account, name, roleArn: '' }
  const answers: CaseAnswer[] = []
  for (const one of [...CASES, ...more, ...LAST_CASES]) {
    last = undefined
    operation = one.name.split(' ')[0]!
    // What it throws is in the answer.
    const failure = await one.ask(context).catch((error: unknown) => error ?? new Error())
    if (last === undefined) throw failure ?? new Error(`${one.name} had no answer.`)
    answers.push({ ...(last as Answer), case: one.name, expected: one.error })
  }
  return answers
}
