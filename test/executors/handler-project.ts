import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import type { LogEntry, Outcome, Task } from '../../src/index.js'

/** A folder of local code, written by a test. */
export interface HandlerProject extends AsyncDisposable {
  readonly folder: string
  write(name: string, text: string): Promise<string>
}

export async function handlerProject(files: Record<string, string> = {}): Promise<HandlerProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda tether #')))
  const write = async (name: string, text: string) => {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return path
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return { folder, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** One folder for all tests of a file, removed after the last. */
export async function projectOfFile(): Promise<HandlerProject> {
  const project = await handlerProject()
  afterAll(() => project[Symbol.asyncDispose]())
  return project
}

/** What Lambda calls this release of Node. */
export const NODE_RUNTIME = `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`

/** A task, and the lines that its code has written. */
export type TestTask = Task & { readonly lines: LogEntry[] }

export function taskFor(path: string, event: unknown = {}, changes: Partial<Task> = {}): TestTask {
  const lines: LogEntry[] = []
  return {
    functionId: 'api',
    environmentId: 'environment-1',
    build: { kind: 'file', path, exportName: 'handler' },
    event: new TextEncoder().encode(JSON.stringify(event)),
    context: contextOf('request-1'),
    env: { FUNCTION_OWN: 'yes' },
    // Later than any test ends.
    deadline: Date.now() + 300_000,
    onLog: (line) => lines.push(line),
    ...changes,
    lines,
  }
}

export function contextOf(awsRequestId: string): Task['context'] {
  return {
    awsRequestId,
    functionName: 'api-dev',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:api-dev',
    memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/api-dev',
    logStreamName: '2026/11/21/[$LATEST]abc',
  }
}

/** The parsed value of an outcome that must be one. */
export function resultOf(outcome: Outcome): unknown {
  if (outcome.kind !== 'value') throw new Error(`Not a value: ${JSON.stringify(outcome)}`)
  return JSON.parse(new TextDecoder().decode(outcome.body))
}

/** The error of an outcome that must be one. */
export function errorOf(outcome: Outcome) {
  if (outcome.kind !== 'error') throw new Error(`Not an error: ${JSON.stringify(resultOf(outcome))}`)
  return outcome.error
}
