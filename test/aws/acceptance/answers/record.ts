import { type Answer, errorCodeOf } from '../../answers/answer.js'
import type { AccountUnderTest } from '../account.js'
import { accountClients } from '../clients.js'
import type { AnswerCase, CaseContext } from './case.js'
import { iamCases, lastIamCases } from './iam.js'
import { iotDataCases } from './iot-data.js'
import { functionCases, lastLambdaCases, layerCases } from './lambda.js'
import { s3Cases } from './s3.js'

const CASES = [...iamCases, ...s3Cases, ...iotDataCases, ...functionCases, ...layerCases]
const LAST_CASES = [...lastLambdaCases, ...lastIamCases]

const ATTEMPTS = { aws: 5, local: 1 }
const PAUSE_MS = 3_000

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
  const ask = async (one: AnswerCase): Promise<CaseAnswer> => {
    last = undefined
    operation = one.name.split(' ')[0]!
    // What it throws is in the answer.
    const failure = await one.ask(context).catch((error: unknown) => error ?? new Error())
    if (last === undefined) throw failure ?? new Error(`${one.name} had no answer.`)
    return { ...(last as Answer), case: one.name, expected: one.error }
  }
  const answers: CaseAnswer[] = []
  for (const one of [...CASES, ...more, ...LAST_CASES]) {
    let answer = await ask(one)
    // What was just created is not known everywhere at once.
    for (let n = 1; n < ATTEMPTS[account.kind] && outcomeOf(answer) !== (one.error ?? 'ok'); n += 1) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      answer = await ask(one)
    }
    answers.push(answer)
  }
  return answers
}

/** `ok`, or the error's code, which is empty for an error without a body. */
export function outcomeOf(answer: Answer): string {
  return answer.status < 300 ? 'ok' : (errorCodeOf(answer) ?? '')
}
