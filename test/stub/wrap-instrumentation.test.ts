import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { lacksRuntimeClient, NEEDS_RUNTIME_CLIENT, runtimeClientFolder } from './runtime-client.js'
import { folderOf, outcome, takesCallbacks, wrappedFunction } from './wrapped-function.js'

/** The `node_modules` that has `@opentelemetry/instrumentation-aws-lambda` and `@opentelemetry/sdk-trace-node`. */
const { OPENTELEMETRY_MODULES, REQUIRE_REAL_SERVERS } = process.env
const lacksOpenTelemetry = OPENTELEMETRY_MODULES === undefined && REQUIRE_REAL_SERVERS === undefined
const NEEDS = `OpenTelemetry's instrumentation below OPENTELEMETRY_MODULES, and ${NEEDS_RUNTIME_CLIENT}`

// What OpenTelemetry's layers for Node do as they are preloaded; each span is a line of the function's log.
const SETUP = `
  const { registerInstrumentations } = require('@opentelemetry/instrumentation')
  const { AwsLambdaInstrumentation } = require('@opentelemetry/instrumentation-aws-lambda')
  const { NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node')
  const exporter = {
    export: (spans, done) => {
      for (const { name } of spans) console.log('span of ' + name)
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  tracerProvider.register()
  registerInstrumentations({ instrumentations: [new AwsLambdaInstrumentation()], tracerProvider })`
const BY_REQUIRE = SETUP
const BY_IMPORT = `
  import { createRequire, register } from 'node:module'
  const require = createRequire(import.meta.url)
  ${SETUP}
  register('import-in-the-middle/hook.mjs', import.meta.url)`

const CJS = { 'index.js': `exports.handler = async () => ({ handler: process.env._HANDLER })` }
const ESM = { 'index.mjs': `export const handler = async () => ({ handler: process.env._HANDLER })` }

describe.skipIf(lacksOpenTelemetry || lacksRuntimeClient)(`a function with ${NEEDS}`, () => {
  let cloud: LocalCloud
  let stages = 0

  beforeAll(async () => {
    if (OPENTELEMETRY_MODULES === undefined) throw new Error(`This test needs ${NEEDS}.`)
    cloud = createLocalCloud()
    await cloud.open()
  })
  afterAll(() => cloud?.close())

  /** The spans of its first invocation. */
  async function spansOf(
    files: Readonly<Record<string, string>>,
    [file, text]: readonly [file: string, text: string],
    mode: 'alone' | 'live' | 'mirror',
  ): Promise<readonly string[] | null> {
    const stage = `${mode}-${++stages}`
    const layer = await folderOf({ [file]: text })
    // Packages are found from where the file lies.
    await symlink(OPENTELEMETRY_MODULES!, join(layer, 'node_modules'))
    const environment = {
      NODE_OPTIONS: `${file.endsWith('.mjs') ? '--import' : '--require'} ${layer}/${file}`,
    }
    const wrapper = join(await runtimeClientFolder(), 'ric.sh')
    if (mode === 'alone') {
      const bundle = await folderOf(files)
      const own = { ...environment, AWS_LAMBDA_EXEC_WRAPPER: wrapper }
      return spansIn(
        await outcome(cloud.function({ name: stage, bundle, environment: own, timeoutMs: 10_000 })),
      )
    }
    const parties = { app: 'shop', stage, key: generateKey(), functionId: 'api', url: cloud.mqttUrl }
    const stub = { ...parties, mode, ackTimeoutMs: 100, execWrapper: wrapper }
    return spansIn(await outcome(await wrappedFunction(cloud, { name: stage, files, stub, environment })))
  }

  function spansIn({ answer, logTail }: Awaited<ReturnType<typeof outcome>>): readonly string[] | null {
    expect(answer).toEqual({ handler: 'index.handler' })
    return logTail.match(/span of \w+/g)
  }

  it.each([
    // From Node 24 on the runtime imports CommonJS too, which nothing intercepts but an import hook.
    ['CommonJS, preloaded by --require', CJS, ['otel.cjs', BY_REQUIRE], takesCallbacks],
    ['CommonJS, preloaded by --import', CJS, ['otel.mjs', BY_IMPORT], true],
    ['an ES module', ESM, ['otel.mjs', BY_IMPORT], true],
  ] as const)(
    'is traced in live and mirror mode as it is alone: %s',
    async (_kind, files, preload, works) => {
      const modes = ['alone', 'live', 'mirror'] as const
      const spans = await Promise.all(modes.map((mode) => spansOf(files, preload, mode)))
      expect(spans).toEqual(modes.map((mode) => (works ? [`span of ${mode}`] : null)))
    },
  )
})
