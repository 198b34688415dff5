import { chmod } from 'node:fs/promises'
import {
  CreateFunctionCommand,
  DeleteLayerVersionCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  InvokeCommand,
  type LambdaClient,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { describe, expect, test } from 'vitest'
import { checkLayers } from '../../src/local/control-plane/lambda/checks.js'
import { controlPlane, ROLE, settled, zipOf } from './control-plane-fixture.js'
import { folder, json, lambdaHost, localFunction } from './lambda-fixture.js'

// Changes what runs, and shows that it was given the runtime's command line.
const WRAPPER = `#!/bin/sh
export WRAPPED_BY="$0"
export COMMAND="$1 $#"
exec "$@"
`
const REPORT = `exports.handler = async () => {
  const { WRAPPED_BY, COMMAND, AWS_LAMBDA_EXEC_WRAPPER } = process.env
  return { WRAPPED_BY, COMMAND, AWS_LAMBDA_EXEC_WRAPPER }
}`

describe('layers of the Lambda host', () => {
  test('are merged into one folder, the last winning', async () => {
    const layers = [
      await folder({ 'nodejs/node_modules/one/index.js': 'module.exports = 1', 'both.txt': 'first' }),
      await folder({ 'nodejs/node_modules/two/index.js': 'module.exports = 2', 'both.txt': 'second' }),
    ]
    const fn = await localFunction(
      lambdaHost(),
      `const { readFileSync } = require('node:fs')
       exports.handler = async () => [require('one'), require('two'), readFileSync(process.env.BOTH, 'utf8')]`,
      { layers, environment: { BOTH: '/opt/both.txt' } },
    )
    expect(json(await fn.invoke())).toEqual([1, 2, 'second'])
  })

  test('bring modules to ES modules by NODE_PATH’s folders only as Lambda does: not at all', async () => {
    const layer = await folder({ 'nodejs/node_modules/one/index.js': 'module.exports = 1' })
    const fn = await localFunction(
      lambdaHost(),
      { 'index.mjs': `export const handler = () => import('one').then(() => 'found', ({ code }) => code)` },
      { layers: [layer] },
    )
    expect(json(await fn.invoke())).toBe('ERR_MODULE_NOT_FOUND')
  })

  test('are five at most, and folders', async () => {
    const bundle = await folder({})
    const host = lambdaHost()
    const layers = Array.from({ length: 6 }, () => bundle)
    expect(() => host.function({ name: 'six', bundle, layers })).toThrow(/are 6; Lambda allows 5/)
    expect(() => host.function({ name: 'none', bundle, layers: ['/not/there'] })).toThrow(/is no folder/)
  })
})

describe('AWS_LAMBDA_EXEC_WRAPPER', () => {
  test('is given the command line of the runtime', async () => {
    const layer = await folder({ 'tools/wrap': WRAPPER })
    await chmod(`${layer}/tools/wrap`, 0o755)
    const fn = await localFunction(lambdaHost(), REPORT, {
      layers: [layer],
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/tools/wrap' },
    })
    const { WRAPPED_BY, COMMAND, AWS_LAMBDA_EXEC_WRAPPER } = json(await fn.invoke())
    expect(WRAPPED_BY).toBe(`${layer}/tools/wrap`)
    expect(COMMAND).toMatch(new RegExp(`^${process.execPath} \\d+$`))
    expect(AWS_LAMBDA_EXEC_WRAPPER).toBe(WRAPPED_BY)
  })

  test('of a handler in a layer loads it from there', async () => {
    const layer = await folder({
      wrap: '#!/bin/sh\nexport _HANDLER="$(dirname "$0")/wrapped.handler"\nexec "$@"\n',
      'wrapped.cjs': `exports.handler = async () => 'wrapped'`,
    })
    await chmod(`${layer}/wrap`, 0o755)
    const fn = await localFunction(lambdaHost(), REPORT, {
      layers: [layer],
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' },
    })
    expect(json(await fn.invoke())).toBe('wrapped')
  })

  test.each([
    ['is missing', {}, 'does not exist', 127],
    ['is no program', { wrap: WRAPPER }, 'is not an executable', 126],
  ])('that %s ends the start', async (_, files, text, status) => {
    const layer = await folder(files)
    const host = lambdaHost()
    const lines: string[] = []
    host.on('log', (log) => lines.push(log.text))
    const fn = await localFunction(host, REPORT, {
      layers: [layer],
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' },
    })
    const result = await fn.invoke()
    expect(json(result)).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining(`exit status ${status}`),
    })
    expect(lines[0]).toBe(`${layer}/wrap: ${text}`)
  })
})

async function publish(lambda: LambdaClient, files: Readonly<Record<string, string>>, LayerName = 'tools') {
  return lambda.send(
    new PublishLayerVersionCommand({
      LayerName,
      Description: 'd',
      CompatibleRuntimes: ['nodejs22.x'],
      Content: { ZipFile: zipOf(files, Object.keys(files)) },
    }),
  )
}

describe('layers of the Lambda API', () => {
  test('are published, listed, read and deleted', async () => {
    const { lambda, cloud } = await controlPlane()
    const one = await publish(lambda, { a: '1' })
    const two = await publish(lambda, { a: '2' })
    expect([one.Version, two.Version]).toEqual([1, 2])
    expect(two).toMatchObject({
      LayerArn: `arn:aws:lambda:${cloud.region}:${cloud.accountId}:layer:tools`,
      LayerVersionArn: `${two.LayerArn}:2`,
      Description: 'd',
      CompatibleRuntimes: ['nodejs22.x'],
      Content: { CodeSize: zipOf({ a: '2' }, ['a']).length },
    })
    const { Layers } = await lambda.send(new ListLayersCommand())
    expect(Layers).toMatchObject([{ LayerName: 'tools', LatestMatchingVersion: { Version: 2 } }])
    const { LayerVersions } = await lambda.send(new ListLayerVersionsCommand({ LayerName: 'tools' }))
    expect(LayerVersions?.map(({ Version }) => Version)).toEqual([2, 1])

    const got = await lambda.send(new GetLayerVersionCommand({ LayerName: 'tools', VersionNumber: 1 }))
    const bytes = await (await fetch(got.Content?.Location ?? '')).arrayBuffer()
    expect(Buffer.from(bytes)).toEqual(zipOf({ a: '1' }, ['a']))
    const byArn = await lambda.send(new GetLayerVersionByArnCommand({ Arn: one.LayerVersionArn }))
    expect(byArn.Content?.CodeSha256).toBe(one.Content?.CodeSha256)

    await lambda.send(new DeleteLayerVersionCommand({ LayerName: 'tools', VersionNumber: 2 }))
    await lambda.send(new DeleteLayerVersionCommand({ LayerName: 'tools', VersionNumber: 2 }))
    await expect(
      lambda.send(new GetLayerVersionCommand({ LayerName: 'tools', VersionNumber: 2 })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect((await publish(lambda, { a: '3' })).Version).toBe(3)
  })

  test('wrap a function from its next environment on, and keep to it when they are deleted', async () => {
    const { cloud, lambda } = await controlPlane({ controlPlane: { updateMs: 10 } })
    cloud.function({ name: 'fn', bundle: await folder({ 'index.cjs': REPORT }) })
    const { LayerVersionArn = '' } = await publish(lambda, { wrap: WRAPPER })
    const report = async () => {
      const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'fn' }))
      return JSON.parse(Payload?.transformToString() ?? '')
    }
    const update = async (Layers: string[], Variables: Record<string, string>) => {
      const input = { FunctionName: 'fn', Layers, Environment: { Variables } }
      await lambda.send(new UpdateFunctionConfigurationCommand(input))
      return settled(lambda, 'fn')
    }
    expect(await report()).toEqual({})
    const live = await update([LayerVersionArn], { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' })
    expect(live.Layers).toMatchObject([{ Arn: LayerVersionArn }])
    expect((await report()).WRAPPED_BY).toMatch(/\/wrap$/)

    await lambda.send(new DeleteLayerVersionCommand({ LayerName: 'tools', VersionNumber: 1 }))
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'fn', Timeout: 9 }))
    await settled(lambda, 'fn')
    expect((await report()).WRAPPED_BY).toMatch(/\/wrap$/)
    await expect(update([LayerVersionArn], {})).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    })

    const restored = await update([], {})
    expect([restored.Layers, restored.Environment]).toEqual([undefined, undefined])
    expect(await report()).toEqual({})
  })

  test('are five at most, one version of each, and small enough with the code', async () => {
    const { lambda } = await controlPlane({ controlPlane: { updateMs: 0 } })
    const create = {
      FunctionName: 'fn',
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf({ 'index.cjs': REPORT }) },
    } as const
    const refused = (text: RegExp) => ({
      name: 'InvalidParameterValueException',
      message: expect.stringMatching(text),
    })
    const arns: string[] = []
    for (let index = 0; index < 6; index += 1) {
      arns.push((await publish(lambda, { a: 'x' }, `layer${index}`)).LayerVersionArn ?? '')
    }
    await expect(lambda.send(new CreateFunctionCommand({ ...create, Layers: arns }))).rejects.toMatchObject(
      refused(/more than 5 layers; these are 6/),
    )
    const again = (await publish(lambda, { a: 'y' }, 'layer0')).LayerVersionArn ?? ''
    await expect(
      lambda.send(new CreateFunctionCommand({ ...create, Layers: [arns[0] ?? '', again] })),
    ).rejects.toMatchObject(refused(/Two different versions/))
  })

  test('are small enough together with the code', () => {
    const zip = { zip: new Uint8Array(), sha256: '', unpackedBytes: 131_072_000 }
    const layers = [{ arn: 'one:1', zip }]
    checkLayers(layers, zip)
    expect(() => checkLayers(layers, { ...zip, unpackedBytes: 131_072_001 })).toThrow(
      /maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes/,
    )
  })
})
