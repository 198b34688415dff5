import { cpSync, existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { referencesOf } from '../support/boundaries.js'
import { type InstalledPackage, installPackage, PACKAGE_INSTALL_MS } from '../support/installed-package.js'
import { stubContext } from '../support/stub-context.js'
import { available, pythonSubject } from '../testing/executor-subjects.js'

const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'))
const optional = Object.keys(manifest.peerDependencies)

/** Functions of the suite in Python and bash. */
const functions = fileURLToPath(new URL('../testing/functions', import.meta.url))

/** Executors of the installed package, as text, with the options of their suite. */
const executors = [
  ['worker threads', 'factory: () => ({ executor: workerThreads() })'],
  ['child processes of Node', 'factory: () => ({ executor: childProcesses() })'],
  ...(available('python3')
    ? [
        [
          'child processes of Python',
          `without: ${JSON.stringify(pythonSubject.without)},
           factory: () => ({
             executor: childProcesses(),
             functionOf(behaviour) {
               const atStart = behaviour.endsWith('-at-start')
               const file = atStart ? behaviour.replaceAll('-', '_') : 'conformance_functions'
               const exportName = behaviour === 'print' ? 'print_lines' : behaviour
               return { kind: 'file', path: resolve('functions', file + '.py'), exportName }
             },
           })`,
        ],
      ]
    : []),
]

/** Tests of that suite. */
const ofSuite = [
  'the response is the value that the function returns',
  'an error has its type, its message and its stack',
  'close() leaves nothing running',
]

/** Connects a session through a proxy that the environment names. */
const THROUGH_PROXY = `
  import { mqtt } from 'lambda-tether/transports/mqtt'
  process.env.HTTP_PROXY = 'http://proxy.example.com:8080'
  const need = () => mqtt({ url: 'ws://broker.example.com' }).connect(
    { app: 'app', stage: 'dev', role: 'session', name: 'default' }, { onFrame() {} })`

/** An agent asks an inspector. */
const ASKED_BY_AGENT = `
  import { createSession, generateKey } from 'lambda-tether'
  import { inspect } from 'lambda-tether/inspector'
  import { memory } from 'lambda-tether/transports/memory'
  const need = async () => {
    const session = createSession({ app: 'app', stage: 'dev', key: generateKey(), transport: memory() })
    const inspector = await inspect(session)
    const { origin, searchParams } = new URL(inspector.url)
    const headers = { authorization: 'Bearer ' + searchParams.get('token'), 'content-type': 'application/json' }
    const answer = await fetch(origin + '/mcp', { method: 'POST', headers, body: '{}' })
    const { error } = await answer.json()
    await inspector.close()
    throw error
  }`

describe('the packed package, installed alone', () => {
  let installed: InstalledPackage

  beforeAll(async () => {
    installed = await installPackage()
  }, PACKAGE_INSTALL_MS)

  afterAll(() => installed?.[Symbol.asyncDispose]())

  it('has only the files it needs', () => {
    const files = filesOf(installed.packageFolder)
    const top = new Set(files.map((file) => file.split('/')[0]))
    const texts = ['AGENTS.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect([...top].sort()).toEqual([...texts, 'dist', 'docs', 'examples'].sort())
    expect(files.filter((file) => /node_modules|results\.json/.test(file))).toEqual([])
    for (const target of Object.values(manifest.exports).flatMap((entry) => Object.values(entry))) {
      if (target.startsWith('./')) expect(files).toContain(target.slice(2))
    }
  })

  it('names no folder of the machine that built it', () => {
    for (const file of filesOf(installed.packageFolder)) {
      const text = readFileSync(join(installed.packageFolder, file), 'utf8')
      for (const folder of installed.buildFolders)
        expect(text.includes(folder), `${file}: ${folder}`).toBe(false)
    }
  })

  it('imports its dependencies statically, optional peers lazily, and nothing in standalone modules', () => {
    const builtin = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)])
    const modules = filesOf(installed.packageFolder).filter((file) => /^dist\/.*\.[cm]?js$/.test(file))
    expect(modules.length).toBeGreaterThan(subpaths.length)
    for (const file of modules) {
      const text = readFileSync(join(installed.packageFolder, file), 'utf8')
      const alone = file.startsWith('dist/run/')
      for (const { specifier, kind } of referencesOf(file, text)) {
        if (builtin.has(specifier) || (specifier.startsWith('.') && !alone)) continue
        const allowed = [...Object.keys(manifest.dependencies), ...(kind === 'lazy' ? optional : [])]
        expect(alone ? [] : allowed, `${file} imports ${specifier} (${kind})`).toContain(packageOf(specifier))
      }
    }
  })

  it('bundles no other package in its modules', () => {
    const maps = filesOf(installed.packageFolder).filter((file) => /^dist\/.*\.js\.map$/.test(file))
    expect(maps.length).toBeGreaterThan(subpaths.length)
    for (const file of maps) {
      const { sources } = JSON.parse(readFileSync(join(installed.packageFolder, file), 'utf8')) as {
        sources: string[]
      }
      expect(sources.filter((source) => source.includes('node_modules'))).toEqual([])
    }
  })

  it('installs no optional peers', () => {
    for (const name of optional)
      expect(existsSync(join(installed.folder, 'node_modules', name)), name).toBe(false)
  })

  it('imports and require()s each subpath, with the same exports', async () => {
    const print = (load: string) =>
      `const found = {}
       for (const name of ${JSON.stringify(subpaths.map((subpath) => `lambda-tether${subpath.slice(1)}`))})
         found[name] = Object.keys(${load}(name)).filter((key) => key !== '__esModule').sort()
       console.log(JSON.stringify(found))`
    const imported = JSON.parse((await installed.run('import.mjs', print('await import'))).stdout)
    const required = JSON.parse((await installed.run('require.cjs', print('require'))).stdout)
    expect(Object.keys(imported)).toHaveLength(subpaths.length)
    for (const [name, names] of Object.entries(imported)) expect(names, name).not.toEqual([])
    expect(required).toEqual(imported)
  })

  it('answers an invocation of its stub bundle from a worker thread', async () => {
    await using broker = createLocalBroker()
    await broker.open()
    writeFileSync(
      join(installed.folder, 'handler.mjs'),
      `import { isMainThread } from 'node:worker_threads'
       export const handler = async (event, context) =>
         ({ hello: event.name, isMainThread, url: import.meta.url, requestId: context.awsRequestId })`,
    )
    writeFileSync(
      join(installed.folder, 'invoke.cjs'),
      `const { handler } = require(process.argv[2])
       const context = { ...${JSON.stringify(stubContext())}, getRemainingTimeInMillis: () => 10_000 }
       handler({ name: '漢' }, context).then((answer) => {
         console.log(JSON.stringify(answer))
         process.exit()
       })`,
    )
    const { stdout } = await installed.run(
      'host.mjs',
      `import { execFile } from 'node:child_process'
       import { promisify } from 'node:util'
       import { createSession, generateKey } from 'lambda-tether'
       import { workerThreads } from 'lambda-tether/executors'
       import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
       import { mqtt } from 'lambda-tether/transports/mqtt'

       const url = ${JSON.stringify(broker.mqttUrl)}
       const target = { app: 'shop', stage: 'dev', key: generateKey() }
       const session = createSession({ ...target, transport: mqtt({ url }) })
       session.serve({ executor: workerThreads(), functions: { api: './handler.mjs#handler' } })
       await session.open()
       const env = stubEnvironment({ ...target, url, functionId: 'api' })
       const stub = [ 'invoke.cjs', stubBundle('mqtt').path ]
       process.stdout.write((await promisify(execFile)(process.execPath, stub, { env })).stdout)
       await session.close()`,
    )
    expect(JSON.parse(stdout)).toEqual({
      hello: '漢',
      isMainThread: false,
      url: pathToFileURL(join(realpathSync(installed.folder), 'handler.mjs')).href,
      requestId: stubContext().awsRequestId,
    })
  })

  // The whole suite runs on the sources; from the package it needs its functions and their workers.
  it.each(executors)('its suite of executors finds its functions: %s', async (_name, options) => {
    cpSync(functions, join(installed.folder, 'functions'), { recursive: true })
    const { stdout } = await installed.run(
      'executors.mjs',
      `import { resolve } from 'node:path'
       import { childProcesses, workerThreads } from 'lambda-tether/executors'
       import { executorConformance } from 'lambda-tether/testing'
       const tests = new Map()
       executorConformance({ test: (name, run) => tests.set(name, run), ${options} })
       const passed = []
       for (const name of ${JSON.stringify(ofSuite)}) {
         await tests.get(name)()
         passed.push(name)
       }
       console.log(JSON.stringify(passed))`,
    )
    expect(JSON.parse(stdout)).toEqual(ofSuite)
  })

  it.each([
    [
      '@aws-sdk/client-iot',
      `import { iot } from 'lambda-tether/transports/iot'
       const need = () => iot({ region: 'eu-west-1' }).connect(
         { app: 'app', stage: 'dev', role: 'session', name: 'default' }, { onFrame() {} })`,
    ],
    [
      '@aws-sdk/client-apigatewaymanagementapi',
      `import { apiGateway } from 'lambda-tether/transports/api-gateway'
       const need = () => apiGateway({ endpoint: 'wss://abc.execute-api.eu-west-1.amazonaws.com/dev' }).connect(
         { app: 'app', stage: 'dev', role: 'session', name: 'default' }, { onFrame() {} }, { sign: () => new Uint8Array(64) })`,
    ],
    [
      '@aws-sdk/client-lambda',
      `import { fileSnapshots, restoreAll } from 'lambda-tether/deploy'
       const need = () => restoreAll({ app: 'app', stage: 'dev', snapshots: fileSnapshots('kept') })`,
    ],
    [
      '@aws-sdk/client-iam',
      `import { generateKey } from 'lambda-tether'
       import { fileSnapshots, goLive } from 'lambda-tether/deploy'
       const stub = { app: 'app', stage: 'dev', key: generateKey(), endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com' }
       const need = () => goLive({ functions: ['api'], bundle: 'iot', stub, snapshots: fileSnapshots('kept') })`,
    ],
    [
      '@aws-sdk/client-s3',
      `import { s3 } from 'lambda-tether/stores/s3'
       const need = () => s3({ bucket: 'uploads', region: 'eu-west-1' }).put('key', new Uint8Array(1))`,
    ],
    [
      'esbuild',
      `import { esbuild } from 'lambda-tether/sources/esbuild'
       import { writeFileSync } from 'node:fs'
       writeFileSync('handler.ts', 'export const handler = async () => 1')
       const need = async () => esbuild('./handler.ts#handler').load()`,
    ],
    [
      'aedes',
      `import { createLocalCloud } from 'lambda-tether/local'
       const need = async () => createLocalCloud().open()`,
    ],
    [
      'dynalite',
      // The cloud opens with what stands for aedes, which is needed first.
      `import { mkdirSync, writeFileSync } from 'node:fs'
       mkdirSync('node_modules/aedes', { recursive: true })
       writeFileSync('node_modules/aedes/index.js', 'exports.Aedes = class { on() {} async listen() {} close(done) { done() } }')
       const { createLocalCloud } = await import('lambda-tether/local')
       const need = async () => {
         const cloud = createLocalCloud()
         await cloud.open()
         return cloud.debugStack({ app: 'app', stage: 'dev', key: 'k'.repeat(43) })
       }`,
    ],
    [
      '@aws-sdk/client-cloudformation',
      `import { generateKey } from 'lambda-tether'
       import { deployDebugStack } from 'lambda-tether/deploy'
       const need = () => deployDebugStack({ app: 'app', stage: 'dev', key: generateKey(), region: 'eu-west-1' })`,
    ],
    [
      '@aws-cdk/cloudformation-diff',
      `import { compareTemplates } from 'lambda-tether/deploy'
       const after = { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } }
       const need = () => compareTemplates({ Resources: {} }, after)`,
    ],
    [
      'yaml',
      `import { template } from 'lambda-tether/deploy'
       import { writeFileSync } from 'node:fs'
       writeFileSync('template.yaml', 'Resources: {}')
       const need = () => template({ path: 'template.yaml' }).synth({})`,
    ],
    ['@modelcontextprotocol/server', ASKED_BY_AGENT],
    ['proxy-from-env', THROUGH_PROXY],
    [
      'https-proxy-agent',
      `import { mkdirSync, writeFileSync } from 'node:fs'
       mkdirSync('node_modules/proxy-from-env', { recursive: true })
       writeFileSync('node_modules/proxy-from-env/index.js', 'exports.getProxyForUrl = () => process.env.HTTP_PROXY')
       ${THROUGH_PROXY}`,
    ],
  ])('says how to install %s when it is needed', async (name, script) => {
    const { stdout } = await installed.run(
      'missing.mjs',
      `${script}
       const error = await need().then(() => undefined, (reason) => reason)
       console.log(JSON.stringify({ code: error?.code, message: String(error?.message) }))
       process.exit()`,
    )
    const error = JSON.parse(stdout) as { code: string; message: string }
    expect(error).toEqual({ code: 'MISSING_DEPENDENCY', message: expect.stringContaining('npm install ') })
    expect(error.message).toMatch(new RegExp(`npm install .*${name}(?![\\w-])`))
  })

  it('covers every optional peer above', () => {
    expect(optional.sort()).toEqual([
      '@aws-cdk/cloudformation-diff',
      '@aws-sdk/client-apigatewaymanagementapi',
      '@aws-sdk/client-cloudformation',
      '@aws-sdk/client-iam',
      '@aws-sdk/client-iot',
      '@aws-sdk/client-lambda',
      '@aws-sdk/client-s3',
      '@modelcontextprotocol/server',
      'aedes',
      'dynalite',
      'esbuild',
      'https-proxy-agent',
      'proxy-from-env',
      'yaml',
    ])
  })
})

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
