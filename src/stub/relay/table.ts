import { AwsError, type CallAws } from './aws.js'
import type { Role } from './wire.js'

/** The name under which a connection receives. */
export interface Registration {
  readonly app: string
  readonly stage: string
  readonly role: Role
  readonly name: string
}

/** A connection's row in the table. A stub has no session and the epoch 0. */
export interface ConnectionRow extends Registration {
  readonly connectionId: string
  readonly session: string
  readonly epoch: number
  /** When the row was written, in Unix milliseconds. */
  readonly connectedAt: number
  /** A session's kept frame in base64, sent to clients that look up its name. */
  readonly kept?: string
}

/** API Gateway ends a connection after two hours; DynamoDB removes rows that outlive it. */
const LIFE_SECONDS = 2 * 3600 + 600

type Item = Record<string, { S?: string; N?: string }>

/**
 * The table of connections. Each connection has two rows: one under its name, to route frames, and one under its own
 * id, to identify it. Both keys contain the connection id, so deleting one connection's rows never touches another's.
 */
export class RelayTable {
  readonly #call: CallAws
  readonly #url: string
  readonly #table: string

  /** @param url DynamoDB's endpoint */
  constructor(call: CallAws, url: string, table: string) {
    this.#call = call
    this.#url = url
    this.#table = table
  }

  /** Writes both rows of a connection. @throws AwsError */
  async put(row: ConnectionRow): Promise<void> {
    const attributes = attributesOf(row)
    await Promise.all(keysOf(row).map((key) => this.#ask('PutItem', { Item: { ...key, ...attributes } })))
  }

  /** Keeps a frame with a connection, unless the connection has ended meanwhile. @throws AwsError */
  async keep(row: ConnectionRow, kept: string): Promise<void> {
    const [key] = keysOf(row)
    const item = { ...key, ...attributesOf(row), kept: { S: kept } }
    try {
      await this.#ask('PutItem', { Item: item, ConditionExpression: 'attribute_exists(pk)' })
    } catch (error) {
      if (!(error instanceof AwsError && error.type.endsWith('ConditionalCheckFailedException'))) throw error
    }
  }

  /** Deletes both rows of a connection, if present. @throws AwsError */
  async delete(row: Registration & { readonly connectionId: string }): Promise<void> {
    await Promise.all(keysOf(row).map((key) => this.#ask('DeleteItem', { Key: key })))
  }

  /** Looks up a connection; undefined if the table does not have it. @throws AwsError */
  async find(connectionId: string): Promise<ConnectionRow | undefined> {
    const { Item: item } = await this.#ask('GetItem', { Key: ownKey(connectionId), ConsistentRead: true })
    return item === undefined ? undefined : rowOf(item as Item, connectionId)
  }

  /**
   * Returns the connections under a name, preferred first: the session with the greatest epoch (if equal, the greatest
   * id), then the newest connection.
   * @throws AwsError
   */
  async list(address: Registration): Promise<ConnectionRow[]> {
    const { Items: items } = await this.#ask('Query', {
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: nameKey(address) } },
      // So that a session is found as soon as it has connected.
      ConsistentRead: true,
    })
    return (items as Item[]).map((item) => rowOf(item, item.sk?.S ?? '')).sort(byPreference)
  }

  async #ask(operation: string, input: object): Promise<Record<string, unknown>> {
    const answer = await this.#call({
      service: 'dynamodb',
      method: 'POST',
      url: this.#url,
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body: JSON.stringify({ TableName: this.#table, ...input }),
    })
    return JSON.parse(answer) as Record<string, unknown>
  }
}

function attributesOf(row: ConnectionRow): Item {
  return {
    app: { S: row.app },
    stage: { S: row.stage },
    role: { S: row.role },
    name: { S: row.name },
    epoch: { N: String(row.epoch) },
    connectedAt: { N: String(row.connectedAt) },
    expires: { N: String(Math.ceil(row.connectedAt / 1000) + LIFE_SECONDS) },
    ...(row.session !== '' && { session: { S: row.session } }),
  }
}

function keysOf(row: Registration & { readonly connectionId: string }): Item[] {
  return [{ pk: { S: nameKey(row) }, sk: { S: row.connectionId } }, ownKey(row.connectionId)]
}

// A name cannot collide with a connection id: this is a JSON array.
function nameKey({ app, stage, role, name }: Registration): string {
  return JSON.stringify([app, stage, role, name])
}

function ownKey(connectionId: string): Item {
  return { pk: { S: `connection/${connectionId}` }, sk: { S: '-' } }
}

function rowOf(item: Item, connectionId: string): ConnectionRow {
  return {
    app: item.app?.S ?? '',
    stage: item.stage?.S ?? '',
    role: item.role?.S === 'session' ? 'session' : 'stub',
    name: item.name?.S ?? '',
    connectionId,
    session: item.session?.S ?? '',
    epoch: Number(item.epoch?.N ?? 0),
    connectedAt: Number(item.connectedAt?.N ?? 0),
    ...(item.kept?.S !== undefined && { kept: item.kept.S }),
  }
}

function byPreference(a: ConnectionRow, b: ConnectionRow): number {
  return b.epoch - a.epoch || compare(b.session, a.session) || b.connectedAt - a.connectedAt
}

// By code units, as the core compares ids.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
