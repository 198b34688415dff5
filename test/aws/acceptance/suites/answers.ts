import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { differences } from '../../answers/difference.js'
import { FIXTURES, fixtureOf, readFixtures, writeFixture } from '../../answers/fixture.js'
import { modelProblems } from '../../answers/model-problems.js'
import { outcomeOf, recordCases } from '../answers/record.js'
import { namesOf } from '../resources.js'
import type { Subject } from './subject.js'

/** Asks the services everything that the local cloud serves, and records their answers. */
export function answersSuite({ account, run, report, folder, timeoutMs }: Subject): void {
  describe('answers', () => {
    test(
      'match the cases and are recorded',
      async () => {
        const answers = await recordCases(account, namesOf(run).answers)
        const onAws = account.kind === 'aws'
        const source = onAws
          ? `${account.region}, ${new Date().toISOString().slice(0, 10)}`
          : 'the local cloud'
        const fixtures = readFixtures()
        for (const answer of answers) {
          const known = fixtures.find((one) => one.service === answer.service && one.case === answer.case)
          report.differences.push(...modelProblems(answer), ...(known ? differences(known, answer) : []))
          const fixture = fixtureOf(answer, onAws ? 'aws' : 'local', source)
          await writeFixture(join(folder, 'fixtures'), fixture)
          if (onAws) await writeFixture(FIXTURES, fixture)
        }
        report.measure('answers recorded', answers.length)
        expect(answers.map((answer) => [answer.case, outcomeOf(answer)])).toEqual(
          answers.map(({ case: name, expected = 'ok' }) => [name, expected]),
        )
      },
      timeoutMs,
    )
  })
}
