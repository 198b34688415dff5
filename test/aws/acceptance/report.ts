import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountUnderTest } from './account.js'

/** One thing that a run measured. */
export interface Measurement {
  readonly what: string
  readonly value: number | string
  readonly unit?: string
}

/** One test and how it ended. */
export interface Outcome {
  readonly test: string
  readonly state: string
  readonly error?: string
}

/** What a run finds out; it holds no name, id or key of the account. */
export class Report {
  readonly measurements: Measurement[] = []
  readonly outcomes: Outcome[] = []
  /** How answers differ from the SDK's models and from the fixtures. */
  readonly differences: string[] = []
  readonly #account: AccountUnderTest
  readonly #run: string
  readonly #since = new Date()

  constructor(account: AccountUnderTest, run: string) {
    this.#account = account
    this.#run = run
  }

  measure(what: string, value: number | string, unit?: string): void {
    const rounded = typeof value === 'number' ? Math.round(value * 10) / 10 : value
    this.measurements.push({ what, value: rounded, ...(unit !== undefined && { unit }) })
  }

  /** The middle and the largest of several durations. */
  measureAll(what: string, durations: readonly number[]): void {
    const sorted = durations.toSorted((a, b) => a - b)
    this.measure(`${what}, median of ${sorted.length}`, sorted[Math.floor(sorted.length / 2)] ?? 0, 'ms')
    this.measure(`${what}, slowest`, sorted.at(-1) ?? 0, 'ms')
  }

  /** Writes `report.md` and `report.json`. */
  async write(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    const { measurements, outcomes, differences } = this
    const { kind, region } = this.#account
    const facts = { account: kind, region, node: process.version, at: this.#since.toISOString() }
    const json = { ...facts, measurements, outcomes, differences }
    await writeFile(join(folder, 'report.json'), this.#anonymous(JSON.stringify(json, undefined, 2)))
    const table = (head: string, rows: readonly (readonly (string | number)[])[]) =>
      [head, head.replaceAll(/[^|]+/g, '---'), ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')
    const markdown = [
      `# Acceptance run: ${kind === 'aws' ? 'AWS' : 'the local cloud'}, ${region}`,
      `${facts.at}, Node ${facts.node}`,
      '## Measured',
      table(
        '| what | value |',
        measurements.map(({ what, value, unit = '' }) => [what, `${value} ${unit}`.trim()]),
      ),
      '## Answers that differ from the models and the fixtures',
      differences.map((one) => `- ${one}`).join('\n') || 'None.',
      '## Tests',
      table(
        '| test | outcome |',
        outcomes.map(({ test, state, error = '' }) => [test, `${state} ${error.split('\n')[0]}`.trim()]),
      ),
    ]
    await writeFile(join(folder, 'report.md'), this.#anonymous(`${markdown.join('\n\n')}\n`))
  }

  #anonymous(text: string): string {
    const { iotEndpoint, credentials } = this.#account
    const secrets = [iotEndpoint, credentials?.accessKeyId, credentials?.secretAccessKey].filter(
      (one) => one !== undefined,
    )
    return (
      secrets
        .reduce((left, secret) => left.replaceAll(secret, '<removed>'), text)
        .replaceAll(this.#run, '<run>')
        // Such as a refusal's, which names the user.
        .replaceAll(/\barn:aws[\w-]*:[^\s"'`|,\\]+/g, '<arn>')
        .replaceAll(/\bwss?:\/\/[^\s"'`|,\\]+|\b[a-z0-9]+\.execute-api\.[\w.-]+/g, '<address>')
        .replaceAll(/\b\d{12}\b/g, '<account>')
        .replaceAll(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, '<key id>')
        .replaceAll(/X-Amz-[A-Za-z-]+=[^&\s"]*/g, '<removed>')
    )
  }
}
