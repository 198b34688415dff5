import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  cdk,
  fileBaseline,
  type InfrastructureQuestion,
  type Synthesis,
  watchInfrastructure,
} from '../../src/deploy/index.js'
import { alive } from '../local/lambda-fixture.js'
import { eventually } from '../support/eventually.js'
import { folderOf, heard, save } from './watch-fixture.js'

const { AWS_CDK_MODULES, REQUIRE_REAL_SERVERS } = process.env

// Of the core alone, which starts in a third of the time; the example has the constructs of Lambda and SQS.
const APP = `
import { App } from 'aws-cdk-lib/core'
import { Shop } from './lib/shop.js'
new Shop(new App(), 'Shop')
`
const SHOP = `
import { readdirSync, readFileSync } from 'node:fs'
import { AssetStaging, CfnResource, Stack } from 'aws-cdk-lib/core'
import settings from './settings.cjs'

export class Shop extends Stack {
  constructor(scope, id) {
    super(scope, id)
    for (const name of readdirSync('functions')) {
      const { assetHash } = new AssetStaging(this, name + 'Code', { sourcePath: 'functions/' + name })
      new CfnResource(this, name, {
        type: 'AWS::Lambda::Function',
        properties: {
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Code: { S3Bucket: 'assets', S3Key: assetHash + '.zip' },
          Timeout: settings.timeout,
          Description: readFileSync('words.txt', 'utf8'),
        },
      })
    }
    // more
  }
}
`
const handler = (text: string) => `exports.handler = async () => '${text}'\n`
const FILES = {
  'package.json': '{"type":"module"}',
  'cdk.json': JSON.stringify({
    app: `"${process.execPath}" app.js`,
    context: { '@aws-cdk/core:newStyleStackSynthesis': true },
  }),
  'app.js': APP,
  'lib/shop.js': SHOP,
  'lib/settings.cjs': 'module.exports = { timeout: 5 }\n',
  'words.txt': 'A shop',
  'functions/api/index.js': handler('0'),
  'functions/worker/index.js': handler('0'),
}

describe('cdk', () => {
  it.skipIf(AWS_CDK_MODULES === undefined && !REQUIRE_REAL_SERVERS)(
    'runs a real app, and watches the files it read (needs AWS_CDK_MODULES, the folder of a node_modules with aws-cdk-lib)',
    async () => {
      const cwd = await folderOf(FILES, AWS_CDK_MODULES)
      const from = cdk({ cwd })
      const made: Promise<Synthesis>[] = []
      const synth = (options: { signal?: AbortSignal | undefined }) => {
        made.push(from.synth(options))
        return made.at(-1)!
      }
      const options = {
        synth: { synth },
        baseline: fileBaseline(join(cwd, 'kept/baseline.json')),
        debounceMs: 20,
      }
      const watch = watchInfrastructure(options)
      const told = heard(watch)
      expect(await told.next()).toBe('none')
      const { files, folders } = await made[0]!
      const names = ['app.js', 'lib/shop.js', 'lib/settings.cjs', 'words.txt', 'cdk.json', 'cdk.context.json']
      expect(new Set(files)).toEqual(new Set(names.map((name) => join(cwd, name))))
      expect(folders).toEqual([join(cwd, 'functions')])

      for (let n = 1; n <= 20; n += 1) await save(cwd, 'functions/api/index.js', handler(String(n)))
      const queue = SHOP.replace('// more', "new CfnResource(this, 'Orders', { type: 'AWS::SQS::Queue' })")
      await save(cwd, 'lib/shop.js', queue)
      const question = (await told.next()) as InfrastructureQuestion
      expect(made.length).toBe(2)
      expect(question.diff.changes).toMatchObject([
        { stack: 'Shop', type: 'AWS::SQS::Queue', impact: 'created' },
      ])
      await question.decline()

      // Neither the same once more nor another space asks again.
      await save(cwd, 'lib/shop.js', `${queue}\n`)
      await eventually(() => expect(made.length).toBe(3))
      await made[2]
      await save(cwd, 'lib/shop.js', queue.replace("Queue' })", "Queue' }"))
      expect(await told.next()).toMatchObject({
        code: 'BUILD_FAILED',
        message: expect.stringContaining('lib/shop.js:'),
        details: {
          file: join(cwd, 'lib/shop.js'),
          line: expect.any(Number),
          text: expect.stringContaining('SyntaxError'),
        },
      })
      await watch.close()
      await save(cwd, 'lib/shop.js', queue)
      const again = (await heard(watchInfrastructure(options)).next()) as InfrastructureQuestion
      expect(again.diff.fingerprint).toBe(question.diff.fingerprint)
      expect(String(again)).toBe(String(question))
    },
    180_000,
  )

  // A program that writes what an app of the CDK writes.
  const ASSEMBLY = (more = '') => `
    const { readFileSync, writeFileSync, mkdirSync } = require('node:fs')
    const { CDK_OUTDIR: out, CDK_CONTEXT_JSON, CONTEXT_OVERFLOW_LOCATION_ENV: more } = process.env
    const context = more ? readFileSync(more, 'utf8') : CDK_CONTEXT_JSON
    mkdirSync(out + '/assembly-Prod')
    const stack = (templateFile, stackName) => ({ type: 'aws:cloudformation:stack', properties: { templateFile, stackName } })
    const template = (Value) => JSON.stringify({ Resources: {}, Outputs: { Value: { Value } } })
    writeFileSync(out + '/Shop.json', template(JSON.parse(context).word + ' ' + process.env.CDK_VALIDATION))
    writeFileSync(out + '/assembly-Prod/Api.json', template('staged'))
    writeFileSync(out + '/assembly-Prod/manifest.json', JSON.stringify({ artifacts: { Api: stack('Api.json', 'Prod-Api') } }))
    const prod = { type: 'cdk:cloud-assembly', properties: { directoryName: 'assembly-Prod' } }
    writeFileSync(out + '/manifest.json', JSON.stringify({ artifacts: { Shop: stack('Shop.json'), Prod: prod }, ${more} }))
  `
  const node = `"${process.execPath}"`

  it('returns the stacks of stages, with the context of cdk.json, cdk.context.json and its own, without validation', async () => {
    const cwd = await folderOf({
      'app.cjs': ASSEMBLY(),
      'cdk.json': '{"context":{"word":"first"}}',
      'cdk.context.json': '{"word":"second"}',
    })
    const word = async (more: object = {}) => {
      const { templates } = await cdk({ cwd, app: `${node} app.cjs`, ...more }).synth({})
      expect(Object.keys(templates)).toEqual(['Shop', 'Prod-Api'])
      return (templates.Shop as { Outputs: { Value: { Value: string } } }).Outputs.Value.Value
    }
    expect(await word()).toBe('second false')
    expect(await word({ context: { word: 'third' }, env: { CDK_VALIDATION: 'true' } })).toBe('third true')
    // Linux gives a process no variable of 128 KiB.
    expect(await word({ context: { word: 'fourth', long: 'x'.repeat(140_000) } })).toBe('fourth false')
  })

  it.each([
    [
      'look-ups',
      ASSEMBLY(`missing: [{ key: 'vpc:1' }]`),
      'The app needs values that are to be looked up: vpc:1. Run: npx cdk synth',
    ],
    ['no assembly', '', 'The command wrote no cloud assembly'],
    ['a failure', `throw new TypeError('not ready')`, 'app.cjs:1: TypeError: not ready'],
    ['an exit', 'process.exit(3)', 'ended with 3'],
  ])('reports %s, and watches the files it read', async (_what, program, message) => {
    const cwd = await folderOf({ 'app.cjs': program })
    await expect(cdk({ cwd, app: `${node} app.cjs` }).synth({})).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining(message),
      details: { files: expect.arrayContaining([join(cwd, 'app.cjs')]) },
    })
  })

  it.skipIf(process.platform === 'win32')('ends its processes when aborted', async () => {
    const program = `require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)`
    const cwd = await folderOf({ 'app.cjs': program })
    const controller = new AbortController()
    const running = cdk({ cwd, app: `true && ${node} app.cjs` }).synth({ signal: controller.signal })
    const pid = await eventually(async () => Number((await readFile(join(cwd, 'pid'), 'utf8')) || Number.NaN))
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
    await eventually(() => expect(alive(pid)).toBe(false))
  })

  it('requires a command', async () => {
    const cwd = await folderOf({})
    await expect(cdk({ cwd }).synth({})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
