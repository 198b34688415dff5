import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import {
  answering,
  begin,
  connect,
  deferred,
  detail,
  managementClient,
  openApi,
  taking,
} from './web-socket-fixture.js'

const credentials = { accessKeyId: 'AKIADEVELOPER0000000', secretAccessKey: 'secret', sessionToken: 'token' }

describe("AWS's own client", () => {
  test('posts to a client', async () => {
    const api = await openApi({ identities: [credentials] })
    const client = await connect(api, { credentials })
    const posted = detail(api, 'post')
    const { connectionId: ConnectionId } = client
    await managementClient(api, credentials).send(
      new PostToConnectionCommand({ ConnectionId, Data: 'héllo' }),
    )
    expect(await client.message()).toBe('héllo')
    expect(await posted).toEqual({ connectionId: ConnectionId, bytes: 6, status: 200 })
    expect(api.stats().posts).toBe(1)
  })

  test('gets the details of a client', async () => {
    const clock = new ManualClock(Date.now())
    const api = await openApi({ clock, routes: { ping: 'mock' } })
    const client = await connect(api)
    const { connectionId: ConnectionId } = client
    const connectedAt = clock.now()
    await clock.advance(5000)
    const message = detail(api, 'message')
    client.send('{"action":"ping"}')
    await message
    const answer = await managementClient(api).send(new GetConnectionCommand({ ConnectionId }))
    expect(answer).toMatchObject({
      ConnectedAt: new Date(connectedAt),
      Identity: { SourceIp: '127.0.0.1', UserAgent: '' },
      LastActiveAt: new Date(connectedAt + 5000),
    })
  })

  test('ends a client', async () => {
    const $disconnect = taking()
    const api = await openApi({ routes: { $disconnect } })
    const client = await connect(api)
    const { connectionId: ConnectionId } = client
    await managementClient(api).send(new DeleteConnectionCommand({ ConnectionId }))
    expect(await client.closed).toBe(1000)
    expect($disconnect.events).toHaveLength(1)
    expect(api.stats().connections).toBe(0)
  })

  test.each([
    ['that never was', 'L0SM9cOFvHcCIhw='],
    ['with characters of paths', 'a/b c?d'],
  ])('gets GoneException for an id %s', async (_, ConnectionId) => {
    const client = managementClient(await openApi())
    for (const Command of [PostToConnectionCommand, GetConnectionCommand, DeleteConnectionCommand]) {
      await expect(client.send(new Command({ ConnectionId, Data: 'x' }) as never)).rejects.toMatchObject({
        name: 'GoneException',
        $metadata: { httpStatusCode: 410 },
      })
    }
  })

  test('gets GoneException for a client that left', async () => {
    const api = await openApi()
    const client = await connect(api)
    const { connectionId: ConnectionId } = client
    const ended = detail(api, 'disconnect')
    client.socket.close()
    await ended
    const post = managementClient(api).send(new PostToConnectionCommand({ ConnectionId, Data: 'x' }))
    await expect(post).rejects.toMatchObject({ name: 'GoneException' })
  })

  test('gets GoneException for a client that is still connecting', async () => {
    const connecting = deferred<string>()
    const posted = deferred<unknown>()
    const $connect = answering(async ({ requestContext }) => {
      connecting.resolve(requestContext.connectionId)
      await posted.promise
      return { statusCode: 200 }
    })
    const api = await openApi({ routes: { $connect } })
    const client = await begin(api)
    const ConnectionId = await connecting.promise
    const command = new PostToConnectionCommand({ ConnectionId, Data: 'x' })
    const management = managementClient(api)
    await expect(management.send(command)).rejects.toMatchObject({ name: 'GoneException' })
    posted.resolve(undefined)
    await client.opened
    await management.send(command)
    expect(await client.message()).toBe('x')
  })

  test('posts 131,072 bytes, in frames of 32 KB, and not one more', async () => {
    const api = await openApi({ identities: [credentials] })
    const client = await connect(api, { credentials })
    const { connectionId: ConnectionId } = client
    const management = managementClient(api, credentials)
    const raw = (client.socket as unknown as { _socket: NodeJS.ReadableStream })._socket
    let bytes = 0
    raw.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
    })
    await management.send(new PostToConnectionCommand({ ConnectionId, Data: 'x'.repeat(131_072) }))
    expect(await client.message()).toBe('x'.repeat(131_072))
    // A server's frame of 32 KB has a head of four bytes.
    expect(bytes).toBe(131_072 + 4 * 4)
    const posted = detail(api, 'post')
    const large = new PostToConnectionCommand({ ConnectionId, Data: 'x'.repeat(131_073) })
    await expect(management.send(large)).rejects.toMatchObject({
      name: 'PayloadTooLargeException',
      $metadata: { httpStatusCode: 413 },
    })
    expect(await posted).toMatchObject({ bytes: 131_073, status: 413 })
  })

  test('must sign, with the right secret and token', async () => {
    const api = await openApi({ identities: [credentials] })
    const { connectionId: ConnectionId } = await connect(api, { credentials })
    const url = `${api.managementEndpoint}/@connections/${encodeURIComponent(ConnectionId)}`
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(403)
    for (const wrong of [{ secretAccessKey: 'x' }, { sessionToken: 'x' }, { accessKeyId: 'x' }]) {
      const client = managementClient(api, { ...credentials, ...wrong })
      const post = client.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' }))
      await expect(post).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
    }
    expect(api.stats().posts).toBe(0)
  })

  test('needs the permission to post, which allows no other operation', async () => {
    const resource = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/live/'
    const statement = (Action: string, path: string) => ({
      Effect: 'Allow' as const,
      Action,
      Resource: resource + path,
    })
    const connecting = statement('execute-api:Invoke', '$connect')
    const posting = statement('execute-api:ManageConnections', 'POST/@connections/*')
    const policy = (...Statement: (typeof connecting)[]) => ({ Version: '2012-10-17', Statement })
    const may = { ...credentials, policy: policy(connecting, posting) }
    const mayNot = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'b', policy: policy(connecting) }
    const api = await openApi({ apiId: 'abcde12345', identities: [may, mayNot] })
    const { connectionId: ConnectionId } = await connect(api, { credentials })
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'x' })
    await managementClient(api, may).send(post)
    const forbidden = {
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        `execute-api:ManageConnections on resource: ${resource}POST/@connections/`,
      ),
      $metadata: { httpStatusCode: 403 },
    }
    await expect(managementClient(api, mayNot).send(post)).rejects.toMatchObject(forbidden)
    const get = managementClient(api, may).send(new GetConnectionCommand({ ConnectionId }))
    await expect(get).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
    expect(api.stats().posts).toBe(1)
  })

  test('is slowed down over the account’s rate', async () => {
    const clock = new ManualClock(Date.now())
    const api = await openApi({ clock, limits: { requestsPerSecond: 2 } })
    const { connectionId: ConnectionId } = await connect(api)
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'x' })
    const management = managementClient(api)
    await management.send(post)
    await expect(management.send(post)).rejects.toMatchObject({
      name: 'LimitExceededException',
      $metadata: { httpStatusCode: 429 },
    })
    await clock.advance(1000)
    await management.send(post)
  })

  test('is slowed down when a client does not read', async () => {
    const api = await openApi({ limits: { clientBufferBytes: 100_000 } })
    const client = await connect(api)
    client.socket.pause()
    const management = managementClient(api)
    const { connectionId: ConnectionId } = client
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'x'.repeat(131_072) })
    let posts = 0
    // The operating system's own buffers take some megabytes first.
    const full = (async () => {
      for (; posts < 500; posts += 1) await management.send(post)
    })()
    await expect(full).rejects.toMatchObject({ name: 'LimitExceededException' })
    client.socket.resume()
    for (let received = 0; received < posts; received += 1) await client.message()
    await management.send(post)
    expect(await client.message()).toHaveLength(131_072)
  })
})

test.each([
  ['PUT', '/live/@connections/L0SM9cOFvHcCIhw='],
  ['POST', '/live/@connections/'],
  ['POST', '/live/@connections/a/b'],
  ['POST', '/other/@connections/a'],
  ['GET', '/live'],
])('%s %s is forbidden', async (method, path) => {
  const api = await openApi()
  const response = await fetch(new URL(path, api.managementEndpoint), { method })
  expect(response.status).toBe(403)
})
