import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { iotPolicy } from '../../src/deploy/index.js'
import { zip } from '../../src/deploy/zip/zip.js'
import { createLocalCloud } from '../../src/local/index.js'
import { stubKey } from '../../src/stub/index.js'
import { events } from '../local/local-broker-fixture.js'
import { type FunctionConfiguration, LocalAccount } from './local-account.js'
import { codeBlocks } from './markdown.js'
import { installHere } from './package-folder.js'
import { Terminal } from './terminal.js'

const region = 'eu-west-1'
const accountId = '123456789012'
const target = { app: 'first-function', stage: 'dev', region, accountId }

const before: FunctionConfiguration = {
  FunctionName: 'my-function',
  FunctionArn: `arn:aws:lambda:${region}:${accountId}:function:my-function`,
  Role: `arn:aws:iam::${accountId}:role/service-role/my-function-role`,
  Handler: 'src/api.run',
  Timeout: 7,
  Environment: { Variables: { TABLE: 'orders "a"' } },
}
const codeBefore = zip({ 'src/api.js': Buffer.from('exports.run = async () => "deployed"') })

// Each may do what its policy allows and nothing else.
const developer = {
  accessKeyId: 'AKIADEVELOPER',
  secretAccessKey: 'developer+secret/=',
  sessionToken: 'developer/token+/==',
  policy: iotPolicy({ ...target, role: 'session' }),
}
const role = {
  accessKeyId: 'ASIAROLE',
  secretAccessKey: 'role/secret+',
  sessionToken: 'role+token/=',
  policy: iotPolicy({ ...target, role: 'stub' }),
}

// bash and its process groups are what a reader of the document has; on Windows that is WSL.
it.skipIf(process.platform === 'win32')(
  'docs/first-function.md, followed to the letter, runs local code with least privilege, and goes back',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-first-function-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await installHere(folder)

    await using cloud = createLocalCloud({ region, accountId, broker: { identities: [developer, role] } })
    await cloud.open()
    const refused = [events(cloud.broker, 'refuse'), events(cloud.broker, 'discard')]
    const subscribed = events(cloud.broker, 'subscribe')
    const connected = events(cloud.broker, 'connect')
    const disconnected = events(cloud.broker, 'disconnect')

    await using account = await LocalAccount.open({
      folder,
      iotEndpoint: cloud.iotEndpoint,
      configuration: before,
      code: codeBefore,
      deploy: (definition) => {
        const { policy: _, ...credentials } = role
        return cloud.function({ ...definition, credentials })
      },
    })
    const { accessKeyId, secretAccessKey, sessionToken } = developer
    const env = {
      PATH: `${await account.programs()}:${process.env.PATH}`,
      HOME: folder,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    }
    const here = join(folder, 'first-function')
    const content = async (file: string) => JSON.parse(await readFile(join(here, file), 'utf8'))

    await using terminal = new Terminal(folder, env)
    const sessions: Terminal[] = []
    const markdown = await readFile(new URL('../../docs/first-function.md', import.meta.url), 'utf8')
    for (const { language, text, fileName } of codeBlocks(markdown)) {
      if (fileName !== undefined) await writeFile(join(here, fileName), text)
      else if (text === 'node session.mjs\n') {
        const second = new Terminal(here, env)
        onTestFinished(() => second[Symbol.asyncDispose]())
        sessions.push(second)
        second.start(text)
        await second.wrote('Waiting for invocations of my-function.')
      } else if (text.includes('lambda invoke')) {
        await called(await terminal.run(text))
      } else if (text.includes('before.zip \\\n')) {
        await installed()
        expect(await sessions[0]!.interrupt()).toBe(0)
        await terminal.run(text)
      } else {
        expect(language).toBe('sh')
        await terminal.run(text)
      }
    }
    expect(sessions).toHaveLength(1)

    expect(account.configuration).toEqual(before)
    expect(account.code).toEqual(codeBefore)
    expect(account.rolePolicies).toEqual(new Map())
    // Nobody was ever refused anything, so the policies suffice.
    expect(refused).toEqual([[], []])
    expect(subscribed.filter(({ granted }) => granted > 1)).toEqual([])
    expect(disconnected.filter(({ reason }) => reason === 'AUTH_ERROR')).toEqual([])
    expect(new Set(connected.map(({ clientId }) => clientId.replace(/[0-9a-f]{32}$/, ''))).size).toBe(2)
    for (const secret of ['key', 'before.json', 'environment.json', 'stub.zip']) {
      expect((await stat(join(here, secret))).mode & 0o077, secret).toBe(0)
    }

    async function called(output: string): Promise<void> {
      expect(output).toContain('"StatusCode": 200')
      const answer = await content('answer.json')
      expect(answer.statusCode, sessions[0]!.output).toBe(200)
      expect(JSON.parse(answer.body)).toEqual({ from: 'your machine', event: { name: 'world' } })
      await sessions[0]!.wrote('running here, for request')

      const handler = await readFile(join(here, 'handler.mjs'), 'utf8')
      const edited = handler.replace("from: 'your machine'", 'table: process.env.TABLE, tether: process.env')
      await writeFile(join(here, 'handler.mjs'), edited)
      let body: { table?: string; tether?: Record<string, string> } = {}
      while (body.tether === undefined) {
        await terminal.run(
          'aws lambda invoke --function-name "$FUNCTION" --payload fileb://event.json answer.json',
        )
        body = JSON.parse((await content('answer.json')).body)
      }
      expect(body.table).toBe('orders "a"')
      const own = Object.keys(body.tether).filter((name) => name.startsWith('LAMBDA_TETHER_'))
      expect(own).toEqual([])
    }

    async function installed(): Promise<void> {
      expect(account.rolePolicies).toEqual(new Map([['my-function-role lambda-tether', role.policy]]))
      expect(await content('session-policy.json')).toEqual(developer.policy)
      const { app, stage } = target
      const root = (await readFile(join(here, 'key'), 'utf8')).trim()
      expect(await readFile(join(here, 'environment.json'), 'utf8')).not.toContain(root)
      expect(account.configuration).toEqual({
        ...before,
        Handler: 'index.handler',
        Timeout: 60,
        Environment: {
          Variables: {
            TABLE: 'orders "a"',
            LAMBDA_TETHER_APP: target.app,
            LAMBDA_TETHER_STAGE: target.stage,
            LAMBDA_TETHER_ENDPOINT: cloud.iotEndpoint,
            LAMBDA_TETHER_FUNCTION: before.FunctionName,
            LAMBDA_TETHER_KEY: stubKey({ app, stage, key: root, functionId: before.FunctionName }),
          },
        },
      })
    }
  },
  60_000,
)
