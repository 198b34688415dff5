import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Plugin, transform } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../../src/executors/index.js'
import type { BuildOptions } from '../../../src/index.js'
import { read } from '../../docs/pages.js'
import { programsOf } from '../../docs/programs.js'
import { type Files, ServedProject } from '../served-project.js'
import { type Installed, installAll, run } from './installed.js'

interface Framework {
  readonly name: string
  readonly packages: readonly string[]
  readonly files: Files
  readonly event?: object
  /** What of the answer is compared, where it is not all. */
  readonly part?: (answer: never) => unknown
  readonly value: unknown
  readonly build?: () => Promise<BuildOptions>
  readonly prepare?: (folder: string) => Promise<unknown>
}

const request = (path: string, more: object = {}) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: path,
  rawQueryString: '',
  headers: { host: 'shop.example', 'content-type': 'application/json' },
  requestContext: {
    domainName: 'shop.example',
    stage: '$default',
    requestId: '1',
    http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
  },
  isBase64Encoded: false,
  ...more,
})
const bodyOf = ({ body }: { body: string }) => JSON.parse(body)

// `answers.ts` has the answer, and is what is edited.
const frameworks: readonly Framework[] = [
  {
    name: 'Express by serverless-http',
    packages: ['express', 'serverless-http'],
    files: {
      'api.ts': `
        import express from 'express'
        import serverless from 'serverless-http'
        import { answer } from './answers'
        const app = express()
        app.get('/orders/:id', (request, response) => { response.json({ id: request.params.id, answer }) })
        export const handler = serverless(app)`,
    },
    event: request('/orders/7'),
    part: bodyOf,
    value: { id: '7' },
  },
  {
    name: 'NestJS with decorator metadata',
    packages: [
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/platform-express',
      'reflect-metadata',
      'rxjs',
      'serverless-http',
    ],
    files: {
      'tsconfig.json': { compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
      'prices.ts': `
        import { Injectable } from '@nestjs/common'
        import { answer } from './answers'
        @Injectable()
        export class Prices { answer() { return answer } }`,
      'orders.ts': `
        import { Controller, Get, Module, Param } from '@nestjs/common'
        import { Prices } from './prices'
        @Controller('orders')
        export class Orders {
          constructor(private readonly prices: Prices) {}
          @Get(':id') get(@Param('id') id: string) { return { id, answer: this.prices.answer() } }
        }
        @Module({ controllers: [Orders], providers: [Prices] })
        export class App {}`,
      'api.ts': `
        import 'reflect-metadata'
        import { NestFactory } from '@nestjs/core'
        import serverless from 'serverless-http'
        import { App } from './orders'
        let server: any
        export const handler = async (event: any, context: any) => {
          if (!server) {
            const app = await NestFactory.create(App, { logger: false })
            await app.init()
            server = serverless(app.getHttpAdapter().getInstance())
          }
          return server(event, context)
        }`,
    },
    event: request('/orders/7'),
    part: bodyOf,
    value: { id: '7' },
    build: async () => ({ plugins: [await decoratorMetadata()] }),
  },
  {
    name: 'Hono',
    packages: ['hono'],
    files: {
      'api.ts': `
        import { Hono } from 'hono'
        import { handle } from 'hono/aws-lambda'
        import { answer } from './answers'
        const app = new Hono()
        app.get('/orders/:id', (c) => c.json({ id: c.req.param('id'), answer }))
        export const handler = handle(app)`,
    },
    event: request('/orders/7'),
    part: bodyOf,
    value: { id: '7' },
  },
  {
    name: 'Apollo',
    packages: ['@apollo/server', '@as-integrations/aws-lambda', 'graphql'],
    files: {
      'api.ts': `
        import { ApolloServer } from '@apollo/server'
        import { handlers, startServerAndCreateLambdaHandler } from '@as-integrations/aws-lambda'
        import { answer } from './answers'
        const server = new ApolloServer({ typeDefs: 'type Query { answer: String }', resolvers: { Query: { answer: () => answer } } })
        export const handler = startServerAndCreateLambdaHandler(server, handlers.createAPIGatewayProxyEventV2RequestHandler())`,
    },
    event: request('/', {
      body: '{"query":"{ answer }"}',
      requestContext: { ...request('/').requestContext, http: { method: 'POST', path: '/' } },
    }),
    part: (answer) => bodyOf(answer).data,
    value: {},
  },
  {
    name: 'Powertools with middy',
    packages: ['@aws-lambda-powertools/logger', '@middy/core', '@middy/http-json-body-parser'],
    files: {
      'api.ts': `
        import { Logger } from '@aws-lambda-powertools/logger'
        import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
        import middy from '@middy/core'
        import jsonBodyParser from '@middy/http-json-body-parser'
        import { answer } from './answers'
        const logger = new Logger({ serviceName: 'shop' })
        export const handler = middy(async (event: any) => {
          logger.info('order')
          return { id: event.body.id, answer }
        }).use(injectLambdaContext(logger)).use(jsonBodyParser())`,
    },
    event: request('/', { body: '{"id":"7"}' }),
    value: { id: '7' },
  },
  {
    name: 'Sentry',
    packages: ['@sentry/aws-serverless'],
    files: {
      'instrument.ts': `
        import * as Sentry from '@sentry/aws-serverless'
        Sentry.init({ dsn: 'http://key@127.0.0.1:9/1', tracesSampleRate: 1 })`,
      'api.ts': `
        import './instrument'
        import * as Sentry from '@sentry/aws-serverless'
        import { answer } from './answers'
        export const handler = Sentry.wrapHandler(async () => ({ isOn: Sentry.isInitialized(), answer }))`,
    },
    value: { isOn: true },
  },
  {
    name: 'X-Ray',
    packages: ['aws-xray-sdk-core', '@aws-sdk/client-s3'],
    files: {
      'api.ts': `
        import { S3Client } from '@aws-sdk/client-s3'
        import AWSXRay from 'aws-xray-sdk-core'
        import http from 'http'
        import { answer } from './answers'
        AWSXRay.setContextMissingStrategy('IGNORE_ERROR')
        AWSXRay.captureHTTPsGlobal(http)
        const client = AWSXRay.captureAWSv3Client(new S3Client({ region: 'eu-west-1' }))
        export const handler = async () => ({ isS3: client instanceof S3Client, answer })`,
    },
    value: { isS3: true },
  },
  {
    name: 'OpenTelemetry',
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/instrumentation',
      '@opentelemetry/instrumentation-pg',
      '@opentelemetry/instrumentation-http',
      '@opentelemetry/sdk-trace-node',
      'pg',
    ],
    files: {
      'tracing.ts': `
        import { registerInstrumentations } from '@opentelemetry/instrumentation'
        import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
        import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
        import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
        const tracerProvider = new NodeTracerProvider()
        tracerProvider.register()
        registerInstrumentations({ tracerProvider, instrumentations: [new PgInstrumentation(), new HttpInstrumentation()] })`,
      'api.ts': `
        import './tracing'
        import { trace } from '@opentelemetry/api'
        import { isWrapped } from '@opentelemetry/instrumentation'
        import http from 'http'
        import pg from 'pg'
        import { answer } from './answers'
        export const handler = async () => trace.getTracer('shop').startActiveSpan('work', (span) => {
          span.end()
          return { recorded: span.isRecording() === false && span.spanContext().traceId !== '0'.repeat(32), pg: isWrapped(pg.Client.prototype.query), http: isWrapped(http.request), answer }
        })`,
    },
    value: { recorded: true, pg: true, http: true },
  },
  {
    name: 'Prisma',
    packages: ['prisma@7', '@prisma/client@7', '@prisma/adapter-libsql@7'],
    files: {
      'prisma.config.ts': `export default { schema: 'schema.prisma' }`,
      'schema.prisma': `
        generator client {
          provider = "prisma-client"
          output   = "./generated"
        }
        datasource db {
          provider = "sqlite"
        }
        model Item {
          id   Int    @id @default(autoincrement())
          name String
        }`,
      'api.ts': `
        import { pathToFileURL } from 'node:url'
        import { PrismaLibSql } from '@prisma/adapter-libsql'
        import { answer } from './answers'
        import { PrismaClient } from './generated/client'
        const prisma = new PrismaClient({ adapter: new PrismaLibSql({ url: pathToFileURL(__dirname + '/shop.db').href }) })
        export const handler = async () => {
          await prisma.$executeRawUnsafe('create table if not exists Item (id integer primary key autoincrement, name text not null)')
          await prisma.item.deleteMany()
          await prisma.item.create({ data: { name: 'one' } })
          return { count: await prisma.item.count({ where: { name: 'one' } }), answer }
        }`,
    },
    value: { count: 1 },
    // Any file in the place of the engine, which would be downloaded and is not needed here.
    prepare: (folder) =>
      run(join(folder, 'node_modules', '.bin', 'prisma'), ['generate'], folder, {
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        CHECKPOINT_DISABLE: '1',
      }),
  },
]

/** The plugin of docs/sources.md. */
async function decoratorMetadata(): Promise<Plugin> {
  const page = 'docs/sources.md'
  const program = programsOf(page, read(page)).find(({ source }) =>
    source.includes('decoratorMetadata: Plugin'),
  )!
  const { code } = await transform(program.source, { loader: 'ts' })
  const path = join(installed.folder, 'decorator-metadata.mjs')
  await writeFile(path, code)
  return (await import(pathToFileURL(path).href)).decoratorMetadata
}

let installed: Installed
beforeAll(async () => {
  installed = await installAll([
    ...new Set(frameworks.flatMap(({ packages }) => packages)),
    'typescript@5.9',
    'esbuild',
  ])
}, 600_000)
afterAll(() => installed?.[Symbol.asyncDispose]())

const answers = (answer: string) => ({ 'answers.ts': `export const answer = '${answer}'` })

test.each(
  frameworks.flatMap((framework) => [
    [framework.name, 'threads', workerThreads, framework] as const,
    [framework.name, 'processes', childProcesses, framework] as const,
  ]),
)(
  '%s answers and reloads in %s',
  async (
    _name,
    _kind,
    executor,
    { files, event, part = (answer: unknown) => answer, value, build, prepare },
  ) => {
    await using project = await ServedProject.create({
      'package.json': { name: 'app' },
      ...files,
      ...answers('first'),
    })
    await installed.linkInto(project.folder)
    await prepare?.(project.folder)
    await project.serve(executor(), { api: 'api.ts' }, await build?.())
    for (const answer of ['first', 'second', 'third']) {
      if (answer !== 'first') await project.save('api', answers(answer))
      expect(part((await project.invoke('api', event)) as never)).toEqual({ ...(value as object), answer })
    }
  },
  120_000,
)
