import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { stubKey } from '../../src/stub/key.js'
import { AwsSpec, type Template } from '../deploy/debug-stack-spec.js'
import { freePort } from '../support/free-port.js'
import { PACKAGE_INSTALL_MS } from '../support/installed-package.js'
import { holds, ownPart, sessionSecrets } from '../support/leaks.js'
import { type BuiltExamples, builtExamples } from './built-examples.js'

const { AWS_CDK_MODULES, REQUIRE_REAL_SERVERS } = process.env
const endpoint = 'abc123-ats.iot.eu-west-1.amazonaws.com'
const live = { TETHER_APP: 'shop', TETHER_STAGE: 'dev', TETHER_KEY: generateKey(), TETHER_ENDPOINT: endpoint }
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

/** A template has nothing of the session's, and each of these functions its own key alone. */
function expectOwnKeys(template: string, functions: Readonly<Record<string, string>>): void {
  const { TETHER_APP: app, TETHER_STAGE: stage, TETHER_KEY: key } = live
  for (const [what, secret] of Object.entries(sessionSecrets(key, { app, stage })))
    expect(holds(template, secret), what).toBe(false)
  for (const functionId of Object.keys(functions)) {
    const own = ownPart(stubKey({ app, stage, key, functionId }))
    for (const [name, text] of Object.entries(functions))
      expect(holds(text, own), `${name} has the key of ${functionId}`).toBe(name === functionId)
  }
}

describe('examples', () => {
  let examples: BuiltExamples

  beforeAll(async () => {
    examples = await builtExamples()
  }, PACKAGE_INSTALL_MS)

  afterAll(() => examples?.[Symbol.asyncDispose]())

  it('quickstart reports a missing Python, and runs without it', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run(['examples/quickstart/demo.js', '--once'], {
      PATH: '/nowhere',
    })
    expect(stdout).toMatch(/^There is no python3 on the PATH: the function in Python is left out\./)
    expect(stdout).toMatch(/^second .*"Hello from the new code, demo!"/m)
    expect(stdout).toMatch(/^Look +http:\/\/127\.0\.0\.1:\d+\/\?token=/m)
    expect(stdout).toMatch(/^api .* answered .* http:\/\/127\.0\.0\.1:\d+\/i\/\S+$/m)
    expect(stdout).not.toContain('words')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('quickstart escapes terminal control sequences of requests', {
    timeout: 60_000,
  }, async () => {
    await using demo = examples.start(['examples/quickstart/demo.js', '--port', '0'])
    const url = /^Open +(\S+)\?/m.exec(await demo.printed(/^Stop/m))?.[1]
    const name = encodeURIComponent('\u001b[2J\u001b]0;owned\u0007\u202eyou')
    await fetch(`${url}?name=${name}`)
    const output = await demo.printed(/The topic says: .*\n/)
    expect(output).toContain('this machine, \\x1b[2J\\x1b]0;owned\\x07\\u202eyou!')
    expect(output).not.toMatch(/[^\P{C}\n]/u)
  })

  it('quickstart keeps its port, and reports the invocation that it waits for when stopped', {
    timeout: 60_000,
  }, async () => {
    const code = join(examples.folder, 'examples/quickstart/functions/api.ts')
    const quick = readFileSync(code, 'utf8')
    const port = await freePort()
    const args = ['examples/quickstart/demo.js', '--port', String(port)]
    const slow =
      "  console.log('It has begun.')\n  await new Promise((resolve) => setTimeout(resolve, 60_000))"
    writeFileSync(code, quick.replace('  await publish(message)', slow))
    try {
      await using demo = examples.start(args)
      await demo.printed(/^Stop/m)
      {
        await using second = examples.start(args)
        expect(await second.printed(/^Stop/m)).toContain(`Port ${port} is taken`)
      }
      const answer = fetch(`http://127.0.0.1:${port}/`).catch(() => {})
      await demo.printed(/It has begun\./)
      demo.interrupt()
      await demo.printed(/^Waiting for 1 invocation to end; Ctrl\+C again stops them\.$/m)
      demo.interrupt()
      await answer
    } finally {
      writeFileSync(code, quick)
    }
  })

  it('dev-server answers every save with its own code, and closes everything', {
    timeout: 60_000,
  }, async () => {
    const { stdout, stderr } = await examples.run(['examples/dev-server/host.js', '--once'])
    expect(stdout).toContain('Every save was answered by its own code.')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('test-harness has tests that real triggers reach', { timeout: 60_000 }, async () => {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--root', 'examples/test-harness', '--no-color']
    const { stdout } = await examples.run(vitest)
    expect(stdout).toMatch(/Tests +4 passed \(4\)/)
  })

  it('team has two hosts and a client with a marker share a stage', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run(['examples/team/demo.js'])
    const who = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' answers')[0])
    expect(who).toEqual(['The cloud', 'Alice', 'Bob', 'Bob', 'The cloud', 'The cloud'])
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('replay mends a webhook that has failed, and makes a test of it', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run(['examples/replay/demo.js'])
    expect(stdout).toContain('The webhook was answered with 401: {"error":"The signature is wrong."}')
    expect(stdout).toContain('~ /statusCode: 401 → 200\n')
    expect(stdout).toContain('+ /body/charged: false\n')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--root', 'examples/replay', '--no-color']
    expect((await examples.run(vitest)).stdout).toMatch(/Tests +2 passed \(2\)/)
  })

  it('streaming sends an answer word by word, through a URL that streams', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run(['examples/streaming/demo.js', '--once'])
    expect(stdout).toMatch(/^18 words came in \d+ parts\.$/m)
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('custom-transport passes the suite and carries a large invocation', { timeout: 60_000 }, async () => {
    const { stdout } = await examples.run(['examples/custom-transport/conformance.js'])
    expect(stdout).toMatch(/^# pass 4\d$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(await examples.leftovers()).toEqual([])
  })

  it('sam puts the stub in front of Node functions, with a layer, variables and a policy', {
    timeout: 60_000,
  }, async () => {
    const template = join(examples.folder, 'examples/sam/template.json')
    const to = join(examples.folder, 'live.json')
    await examples.run(['examples/sam/tether.js', template, to], live)
    const before = read(template)
    const { Resources } = read(to)
    for (const id of ['Api', 'Worker']) {
      expect(Resources[id].Properties).toMatchObject({
        ...before.Resources[id].Properties,
        Layers: [{ Ref: 'LambdaTetherLayer' }],
        Timeout: 60,
        Environment: {
          Variables: {
            ...before.Resources[id].Properties.Environment?.Variables,
            AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
            LAMBDA_TETHER_FUNCTION: id,
          },
        },
      })
    }
    expectOwnKeys(readFileSync(to, 'utf8'), {
      Api: JSON.stringify(Resources.Api),
      Worker: JSON.stringify(Resources.Worker),
    })
    expect(Resources.Api.Properties.Policies).toHaveLength(1)
    expect(Resources.Report).toEqual(before.Resources.Report)
    // What packaging makes of the paths; the spec has no types of SAM's.
    Resources.Worker.Properties.Code = { S3Bucket: 'b', S3Key: 'k' }
    Resources.LambdaTetherLayer.Properties.Content = { S3Bucket: 'b', S3Key: 'l' }
    const { Api: _api, Report: _report, ...plain } = Resources
    expect(new AwsSpec().problems({ Resources: plain } as Template)).toEqual([])
    const zip = readFileSync(join(examples.folder, 'layer.zip')).toString('latin1')
    expect(zip).toContain('lambda-tether/wrap')
  })

  it('sam chains a wrapper of the globals, and leaves parameters and old runtimes as they are', {
    timeout: 60_000,
  }, async () => {
    const template = read(join(examples.folder, 'examples/sam/template.json'))
    const { Api, Worker } = template.Resources
    template.Globals.Function.Environment = { Variables: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' } }
    Api.Properties.Timeout = { Ref: 'Seconds' }
    Worker.Properties.Runtime = 'nodejs18.x'
    const [from, to] = [join(examples.folder, 'other.json'), join(examples.folder, 'other-live.json')]
    writeFileSync(from, JSON.stringify(template))
    await examples.run(['examples/sam/tether.js', from, to], live)
    const { Resources } = read(to)
    expect(Resources.Api.Properties.Timeout).toEqual({ Ref: 'Seconds' })
    expect(Resources.Api.Properties.Environment.Variables).toMatchObject({
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
      LAMBDA_TETHER_EXEC_WRAPPER: '/opt/otel-handler',
    })
    expect(Resources.Worker).toEqual(Worker)
  })

  describe.skipIf(AWS_CDK_MODULES === undefined && REQUIRE_REAL_SERVERS === undefined)(
    'with aws-cdk-lib in AWS_CDK_MODULES',
    () => {
      it('cdk puts the stub in front of Node functions', { timeout: 240_000 }, async () => {
        if (AWS_CDK_MODULES === undefined)
          throw new Error('AWS_CDK_MODULES must be the node_modules that has aws-cdk-lib.')
        const folder = join(examples.folder, 'examples/cdk')
        installCdk(AWS_CDK_MODULES)
        const CDK_OUTDIR = join(folder, 'cdk.out')
        await examples.run(['examples/cdk/app.js'], { ...live, CDK_OUTDIR })
        const template: Template = read(join(CDK_OUTDIR, 'Shop.template.json'))
        const problems = new AwsSpec().problems(template)
        expect(problems.filter((problem) => !problem.endsWith('does not know Fn::Join'))).toEqual([])
        const functions = Object.values(template.Resources).filter(
          ({ Type }) => Type === 'AWS::Lambda::Function',
        )
        const of = (runtime: string) =>
          functions.find(({ Properties }) => Properties?.Runtime === runtime)?.Properties
        expect(of('nodejs22.x')).toMatchObject({
          Timeout: 60,
          Layers: [expect.anything()],
          Environment: {
            Variables: {
              AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
              LAMBDA_TETHER_FUNCTION: 'api',
              LAMBDA_TETHER_ENDPOINT: endpoint,
            },
          },
        })
        expectOwnKeys(JSON.stringify(template), {
          api: JSON.stringify(of('nodejs22.x')),
        })
        expect(JSON.stringify(of('nodejs22.x'))).not.toContain('LAMBDA_TETHER_EXEC_WRAPPER')
        expect(of('python3.13')?.Layers).toBeUndefined()
        expect(JSON.stringify(template.Resources)).toContain('iot:Connect')
        const app = readFileSync(join(folder, 'app.js'), 'utf8')
        const wrapped = "code, environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' } })"
        writeFileSync(join(folder, 'wrapped.js'), app.replace('code })', wrapped))
        await examples.run(['examples/cdk/wrapped.js'], { ...live, CDK_OUTDIR })
        expect(readFileSync(join(CDK_OUTDIR, 'Shop.template.json'), 'utf8')).toContain(
          '"LAMBDA_TETHER_EXEC_WRAPPER": "/opt/otel-handler"',
        )
        await examples.run(['examples/cdk/app.js'], { CDK_OUTDIR })
        expect(JSON.stringify(read(join(CDK_OUTDIR, 'Shop.template.json')))).not.toContain('LAMBDA_TETHER')
      })

      it('infrastructure asks about changes of the app, deploys them, and is live again', {
        timeout: 240_000,
      }, async () => {
        if (AWS_CDK_MODULES === undefined)
          throw new Error('AWS_CDK_MODULES must be the node_modules that has aws-cdk-lib.')
        installCdk(AWS_CDK_MODULES)
        // The CDK leaves its own of the example before.
        const before = await examples.leftovers()
        const { stdout } = await examples.run(['examples/infrastructure/host.js', '--once'])
        expect(stdout).toContain('4 infrastructure changes in Shop: 4 created.')
        expect(stdout).toContain('3 infrastructure changes in Shop: 1 created, 2 updated.')
        expect(stdout).toContain('    Environment.Variables.ORDERS\n')
        expect(stdout).toContain('shop-api cannot go live\n  refused: somebody changed it while it was live')
        expect(stdout).toContain('Every change was asked about, deployed, and answered by local code.')
        expect(await examples.leftovers()).toEqual(before)
      })

      function installCdk(modules: string): void {
        const link = join(examples.folder, 'examples/node_modules')
        if (!existsSync(link)) symlinkSync(modules, link, 'junction')
      }
    },
  )
})
