import { randomUUID } from 'node:crypto'
import type {
  CloudFormationClient,
  CreateStackCommandInput,
  Stack,
  StackEvent,
  UpdateStackCommandInput,
} from '@aws-sdk/client-cloudformation'
import { sdkClientConfig } from '../../aws/sdk.js'
import { TetherError } from '../../core/base/errors.js'
import { abortable, isAwsError, regionOf } from '../live/account.js'
import type { StackAccountOptions } from './options.js'

type Commands = typeof import('@aws-sdk/client-cloudformation')
type Template = Pick<CreateStackCommandInput, 'TemplateBody' | 'Tags' | 'Capabilities'>

// CloudFormation's throttling counts all callers of an account together.
const MAX_ATTEMPTS = 8
/** States in which a stack has a template but no resources. */
const HOLDS_NOTHING: readonly string[] = ['ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS']
// CloudFormation has no codes for these cases, only texts of its ValidationError.
const ABSENT = /does not exist/
const UNCHANGED = /No updates are to be performed/
const REQUEST_TIMEOUT_MS = 30_000
/** Enough for the events of one operation of a small stack, a hundred to a page. */
const MAX_EVENT_PAGES = 20

/** A request that CloudFormation accepted. Its events carry the token. */
export interface StackRequest {
  readonly stackId: string
  readonly token: string
}

/** CloudFormation's operations on one stack. Each method throws the SDK's errors. */
export class StackService {
  readonly region: string
  readonly #client: CloudFormationClient
  readonly #commands: Commands
  readonly #signal: AbortSignal | undefined

  constructor(
    client: CloudFormationClient,
    commands: Commands,
    { region, signal }: { readonly region: string; readonly signal: AbortSignal | undefined },
  ) {
    this.region = region
    this.#client = client
    this.#commands = commands
    this.#signal = signal
  }

  /** Finds a stack by its name, or by its id, which also finds a deleted stack. */
  async describe(StackName: string): Promise<Stack | undefined> {
    const command = new this.#commands.DescribeStacksCommand({ StackName })
    const answer = await unless(ABSENT, this.#client.send(command, abortable(this.#signal)))
    return answer?.Stacks?.[0]
  }

  async create(StackName: string, template: Template): Promise<StackRequest> {
    const token = randomUUID()
    const input: CreateStackCommandInput = { StackName, ...template, ClientRequestToken: token }
    const command = new this.#commands.CreateStackCommand(input)
    const { StackId = StackName } = await this.#client.send(command, abortable(this.#signal))
    return { stackId: StackId, token }
  }

  /** @returns undefined if the stack already matches the template */
  async update(StackName: string, template: Template): Promise<StackRequest | undefined> {
    const token = randomUUID()
    const input: UpdateStackCommandInput = { StackName, ...template, ClientRequestToken: token }
    const command = new this.#commands.UpdateStackCommand(input)
    const answer = await unless(UNCHANGED, this.#client.send(command, abortable(this.#signal)))
    return answer && { stackId: answer.StackId ?? StackName, token }
  }

  async delete(stackId: string): Promise<StackRequest> {
    const token = randomUUID()
    const command = new this.#commands.DeleteStackCommand({ StackName: stackId, ClientRequestToken: token })
    await this.#client.send(command, abortable(this.#signal))
    return { stackId, token }
  }

  /**
   * Returns the events of the stack's latest operation, in chronological order.
   * @param token limits the events to one request, which may not have any yet
   */
  async events(stackId: string, token?: string): Promise<StackEvent[]> {
    const found: StackEvent[] = []
    let NextToken: string | undefined
    for (let page = 0; page < MAX_EVENT_PAGES; page += 1) {
      const input = { StackName: stackId, ...(NextToken !== undefined && { NextToken }) }
      const command = new this.#commands.DescribeStackEventsCommand(input)
      const answer = await this.#client.send(command, abortable(this.#signal))
      for (const event of answer.StackEvents ?? []) {
        if (token !== undefined && event.ClientRequestToken !== token) return found.reverse()
        found.push(event)
        if (isBeginning(event)) return found.reverse()
      }
      NextToken = answer.NextToken
      if (NextToken === undefined) break
    }
    return found.reverse()
  }

  /** Returns the physical id of a resource; undefined if the resource does not exist. */
  async physicalId(stackId: string, logicalId: string): Promise<string | undefined> {
    const command = new this.#commands.DescribeStackResourcesCommand({ StackName: stackId })
    const { StackResources = [] } = await this.#client.send(command, abortable(this.#signal))
    const found = StackResources.find(({ LogicalResourceId }) => LogicalResourceId === logicalId)
    return found?.ResourceStatus === 'DELETE_COMPLETE' ? undefined : found?.PhysicalResourceId || undefined
  }

  /** Returns a stack's template as uploaded; undefined for a stack that does not exist or holds nothing. */
  async template(StackName: string): Promise<string | undefined> {
    // A stack that holds nothing keeps the template of its failed creation.
    const { StackStatus = '' } = (await this.describe(StackName)) ?? {}
    if (StackStatus === '' || HOLDS_NOTHING.includes(StackStatus)) return undefined
    const command = new this.#commands.GetTemplateCommand({ StackName, TemplateStage: 'Original' })
    const answer = await unless(ABSENT, this.#client.send(command, abortable(this.#signal)))
    return answer?.TemplateBody
  }
}

/**
 * Runs work with a CloudFormation client, then closes its connections.
 * @throws TetherError `MISSING_DEPENDENCY`, `INVALID_OPTION`, and the errors of the work
 */
export async function withStacks<T>(
  options: StackAccountOptions & { readonly signal?: AbortSignal | undefined },
  work: (service: StackService) => Promise<T>,
): Promise<T> {
  const commands = await loadCloudFormation()
  const { cloudFormationEndpoint: endpoint, signal } = options
  const client = new commands.CloudFormationClient({
    ...(await sdkClientConfig({ ...options, connectTimeoutMs: REQUEST_TIMEOUT_MS })),
    maxAttempts: MAX_ATTEMPTS,
    ...(endpoint !== undefined && { endpoint }),
  })
  try {
    return await work(new StackService(client, commands, { region: await regionOf(client), signal }))
  } finally {
    client.destroy()
  }
}

async function loadCloudFormation(): Promise<Commands> {
  try {
    return await import('@aws-sdk/client-cloudformation')
  } catch (cause) {
    const message = 'Stacks need the AWS SDK. Run: npm install @aws-sdk/client-cloudformation'
    throw new TetherError('MISSING_DEPENDENCY', message, { cause })
  }
}

/** Returns CloudFormation's answer; undefined if it refuses with a `ValidationError` that matches the text. */
async function unless<T>(text: RegExp, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isAwsError(error, 'ValidationError') && text.test((error as Error).message)) return undefined
    throw error
  }
}

/** Whether an operation on the stack begins with this event. */
function isBeginning({ StackId, PhysicalResourceId, ResourceStatus }: StackEvent): boolean {
  return StackId === PhysicalResourceId && /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/.test(String(ResourceStatus))
}
