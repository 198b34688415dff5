import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CaseAnswer } from '../acceptance/answers/record.js'
import { bodyOf, errorCodeOf } from './answer.js'
import type { ServiceName } from './service.js'

/** An answer that the local cloud is held against; `test/aws/fixtures/README.md` describes the file. */
export interface Fixture {
  /** `local` in the report of a run on the local cloud; none of these is committed. */
  readonly origin: 'aws' | 'documentation' | 'local'
  /** Where it comes from: a page, or the day and region of a run. */
  readonly source: string
  readonly service: ServiceName
  readonly case: string
  readonly status: number
  /** The error's code; absent for success. */
  readonly error?: string
  /** The values of those headers that clients read. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent where the answer has none. */
  readonly body?: unknown
}

/** Where fixtures lie. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))

const HEADERS = ['content-type', 'x-amz-function-error', 'x-amz-executed-version', 'x-amzn-errortype']

// Fields whose texts are one of few: whatever else is a text may name somebody, or be secret.
const PLAIN_FIELDS =
  /^(?:Architectures|Code|HandshakeState|Handler|LastUpdateStatus|LastUpdateStatusReasonCode|LogFormat|Mode|ApplyOn|OptimizationStatus|PackageType|RepositoryType|Runtime|State|StateReasonCode|Status|StorageClass|Type|Version)$/

/** Makes a fixture of an answer: its texts are left out, but for those that are one of few. */
export function fixtureOf(answer: CaseAnswer, origin: Fixture['origin'], source: string): Fixture {
  const error = errorCodeOf(answer)
  const body = bodyOf(answer)
  const headers = HEADERS.filter((name) => answer.headers[name] !== undefined)
  return {
    origin,
    source,
    service: answer.service,
    case: answer.case,
    status: answer.status,
    ...(error !== undefined && { error }),
    headers: Object.fromEntries(headers.map((name) => [name, answer.headers[name]!])),
    ...(body !== undefined && { body: withoutTexts('', body) }),
  }
}

function withoutTexts(field: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutTexts(field, one))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutTexts(name, one)]))
  }
  if (typeof value === 'number') return 0
  return typeof value === 'string' && !PLAIN_FIELDS.test(field) ? '…' : value
}

/** All fixtures of a folder. */
export function readFixtures(folder = FIXTURES): Fixture[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture)
}

/** Writes a fixture below a folder, in the place of what it has of that case. */
export async function writeFixture(folder: string, fixture: Fixture): Promise<void> {
  const file = join(folder, fixture.service, `${fixture.case.replaceAll(' ', '-')}.json`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(fixture, undefined, 2)}\n`)
}
