import {
  type CreateFunctionCommandInput,
  type FunctionConfiguration,
  GetFunctionCommand,
  InvokeCommand,
} from '@aws-sdk/client-lambda'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { zip } from '../../../../src/deploy/zip/zip.js'
import { bucketLocation, createFunction, createRole, namesOf, settled } from '../resources.js'
import type { Subject } from './subject.js'

const NODE = `export const handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, event.waitMs ?? 0))
  return { from: 'node' }
}
`
const PYTHON = `def handler(event, context):\n    return {'from': 'python'}\n`

/** An answer of a function, and how long its caller waited for it. */
export interface Invoked {
  readonly answer: unknown
  readonly milliseconds: number
  /** What Lambda says that the start of a new environment took, where it says so. */
  readonly initMs: number | undefined
}

/** The functions of a run: a Node function, a Python function, and one whose role gets no right. */
export class RunFunctions {
  readonly #subject: Subject

  constructor(subject: Subject) {
    this.#subject = subject
  }

  /** Creates the bucket, the second role and the functions. The role of the others is there already. */
  async create(roleArn: string): Promise<void> {
    const { clients, account, run } = this.#subject
    const { wrapped, replaced, powerless, powerlessRole, bucket } = namesOf(run)
    await clients.s3.send(new CreateBucketCommand({ Bucket: bucket, ...bucketLocation(account.region) }))
    const powerlessArn = await createRole(clients.iam, powerlessRole)
    const common = { Timeout: 30, MemorySize: 256, Tags: { purpose: 'acceptance' } }
    const node = { ...common, Runtime: 'nodejs22.x', Handler: 'index.handler' } as const
    const nodeCode = { ZipFile: zip({ 'index.mjs': Buffer.from(NODE) }) }
    const functions: CreateFunctionCommandInput[] = [
      { ...node, FunctionName: wrapped, Role: roleArn, Code: nodeCode },
      { ...node, FunctionName: powerless, Role: powerlessArn, Code: nodeCode },
      {
        ...common,
        FunctionName: replaced,
        Role: roleArn,
        Runtime: 'python3.13',
        Handler: 'app.handler',
        Code: { ZipFile: zip({ 'app.py': Buffer.from(PYTHON) }) },
      },
    ]
    for (const one of functions) await createFunction({ lambda: clients.lambda, account }, one)
    await Promise.all(functions.map(({ FunctionName = '' }) => settled(clients.lambda, FunctionName)))
  }

  /** What Lambda tells of a function that does not change by itself. */
  async state(FunctionName: string): Promise<FunctionConfiguration> {
    const { Configuration = {} } = await this.#subject.clients.lambda.send(
      new GetFunctionCommand({ FunctionName }),
    )
    const { RevisionId: _, LastModified: __, ...rest } = Configuration
    return rest
  }

  async invoke(FunctionName: string, event: object = {}): Promise<Invoked> {
    const since = performance.now()
    const { Payload, FunctionError, LogResult } = await this.#subject.clients.lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)), LogType: 'Tail' }),
    )
    const milliseconds = performance.now() - since
    const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
    const log = Buffer.from(LogResult ?? '', 'base64').toString()
    const init = /Init Duration: ([\d.]+) ms/.exec(log)?.[1]
    return {
      answer: FunctionError === undefined ? answer : { FunctionError, ...(answer as object) },
      milliseconds,
      initMs: init === undefined ? undefined : Number(init),
    }
  }

  /** Invokes until the answer is the one wanted, as long as rights take to hold. @returns milliseconds */
  async until(
    FunctionName: string,
    wanted: (answer: unknown) => boolean,
    event: object = {},
  ): Promise<number> {
    const since = performance.now()
    const { timeoutMs, account } = this.#subject
    const patience = timeoutMs * 0.8
    const pauseMs = account.kind === 'aws' ? 2_000 : 250
    for (;;) {
      const { answer } = await this.invoke(FunctionName, event)
      const waited = performance.now() - since
      if (wanted(answer)) return waited
      if (waited > patience) {
        throw new Error(`${FunctionName} still answers ${JSON.stringify(answer)} after ${waited} ms.`)
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
