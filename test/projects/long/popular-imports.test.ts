import { afterAll, beforeAll, expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../../src/executors/index.js'
import { answersOf, type ImportLine } from '../import-lines.js'
import { ServedProject } from '../served-project.js'
import { type Installed, installAll } from './installed.js'

const is = (line: string, expression: string, value: unknown = 'function'): ImportLine => [
  line,
  value === 'function' ? `typeof ${expression}` : expression,
  value,
]

const lines: readonly ImportLine[] = [
  is(`import axios from 'axios'`, 'axios.get'),
  is(`import { AxiosError } from 'axios'`, 'new AxiosError("x").name', 'AxiosError'),
  is(`import { z } from 'zod'`, 'z.string().parse("a")', 'a'),
  is(`import _ from 'lodash'`, '_.chunk([1, 2], 1).length', 2),
  is(`import { groupBy } from 'lodash'`, 'groupBy'),
  is(`import get from 'lodash/get'`, 'get({ a: 1 }, "a")', 1),
  is(`import { sum } from 'lodash-es'`, 'sum([1, 2])', 3),
  is(`import dayjs from 'dayjs'`, 'dayjs(0).toISOString()', '1970-01-01T00:00:00.000Z'),
  is(`import utc from 'dayjs/plugin/utc'`, 'utc'),
  is(`import { addDays } from 'date-fns'`, 'addDays(new Date(0), 1).getTime()', 86_400_000),
  is(`import { de } from 'date-fns/locale'`, 'de.code', 'de'),
  is(`import { v4 } from 'uuid'`, 'v4().length', 36),
  is(`import { nanoid } from 'nanoid'`, 'nanoid().length', 21),
  is(`import jwt from 'jsonwebtoken'`, 'jwt.verify'),
  is(`import { sign, verify } from 'jsonwebtoken'`, '(verify(sign({ id: 1 }, "k"), "k") as any).id', 1),
  is(`import * as jose from 'jose'`, 'jose.jwtVerify'),
  is(`import { SignJWT } from 'jose'`, 'SignJWT'),
  is(`import { Ajv } from 'ajv'`, 'new Ajv().validate({ type: "number" }, 1)', true),
  is(`import Ajv2020 from 'ajv/dist/2020'`, '((Ajv2020 as any).default ?? Ajv2020)'),
  is(`import addFormats from 'ajv-formats'`, '((addFormats as any).default ?? addFormats)'),
  is(`import pino from 'pino'`, 'pino({ level: "silent" }).info'),
  is(`import winston from 'winston'`, 'winston.createLogger'),
  is(`import { createLogger, format } from 'winston'`, 'format.json'),
  is(
    `import { S3Client, GetObjectCommand } from '@aws-sdk/client-s3'`,
    'new S3Client({}).send.length + new GetObjectCommand({ Bucket: "b", Key: "k" }).input.Key!',
    '3k',
  ),
  is(`import { DynamoDBClient } from '@aws-sdk/client-dynamodb'`, 'DynamoDBClient'),
  is(`import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'`, 'DynamoDBDocumentClient.from'),
  is(`import { unmarshall } from '@aws-sdk/util-dynamodb'`, 'unmarshall({ a: { N: "1" } }).a', 1),
  is(`import express from 'express'`, 'express().get'),
  is(`import { Router } from 'express'`, 'Router'),
  is(`import serverless from 'serverless-http'`, 'serverless'),
  is(`import { Hono } from 'hono'`, 'new Hono().get'),
  is(`import { handle } from 'hono/aws-lambda'`, 'handle'),
  is(`import middy from '@middy/core'`, 'middy().use'),
  is(`import jsonBodyParser from '@middy/http-json-body-parser'`, 'jsonBodyParser().before'),
  is(`import { Logger } from '@aws-lambda-powertools/logger'`, 'new Logger().info'),
  is(`import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'`, 'injectLambdaContext'),
  is(`import { Tracer } from '@aws-lambda-powertools/tracer'`, 'Tracer'),
  is(`import { graphqlSync, buildSchema } from 'graphql'`, 'graphqlSync'),
  is(`import gql from 'graphql-tag'`, 'gql`{ a }`.kind', 'Document'),
  is(`import { ApolloServer } from '@apollo/server'`, 'ApolloServer'),
  is(
    `import { startServerAndCreateLambdaHandler } from '@as-integrations/aws-lambda'`,
    'startServerAndCreateLambdaHandler',
  ),
  is(`import * as Sentry from '@sentry/aws-serverless'`, 'Sentry.wrapHandler'),
  is(`import AWSXRay from 'aws-xray-sdk-core'`, 'AWSXRay.captureAWSv3Client'),
  is(`import { trace } from '@opentelemetry/api'`, 'trace.getTracer'),
  is(`import pg from 'pg'`, 'pg.Pool'),
  is(`import { Pool } from 'pg'`, 'Pool'),
  is(`import mysql from 'mysql2/promise'`, 'mysql.createPool'),
  is(`import { MongoClient, ObjectId } from 'mongodb'`, 'new ObjectId().toHexString().length', 24),
  is(`import mongoose, { Schema } from 'mongoose'`, 'mongoose.model'),
  is(`import Redis from 'ioredis'`, 'Redis'),
  is(`import { Redis } from 'ioredis'`, 'Redis'),
  is(`import { createClient } from 'redis'`, 'createClient'),
  is(`import { drizzle } from 'drizzle-orm/node-postgres'`, 'drizzle'),
  is(`import { pgTable, serial } from 'drizzle-orm/pg-core'`, 'pgTable'),
  is(
    `import knex from 'knex'`,
    'knex({ client: "pg" }).select("a").from("t").toString()',
    'select "a" from "t"',
  ),
  is(`import { Kysely, PostgresDialect } from 'kysely'`, 'PostgresDialect'),
  is(`import Stripe from 'stripe'`, 'new Stripe("sk_test_1").customers.create'),
  is(`import nodemailer from 'nodemailer'`, 'nodemailer.createTransport'),
  is(`import { createTransport } from 'nodemailer'`, 'createTransport'),
  is(`import got from 'got'`, 'got.get'),
  is(`import ky from 'ky'`, 'ky.get'),
  is(`import pLimit from 'p-limit'`, 'await pLimit(1)(async () => 1)', 1),
  is(`import chalk from 'chalk'`, 'chalk.red'),
  is(`import * as cheerio from 'cheerio'`, 'cheerio.load("<p>a</p>")("p").text()', 'a'),
  is(`import Papa from 'papaparse'`, 'Papa.parse("a,b").data.length', 1),
  is(`import { XMLParser } from 'fast-xml-parser'`, 'new XMLParser().parse("<a>1</a>").a', 1),
  is(`import { load } from 'js-yaml'`, '(load("a: 1") as any).a', 1),
  is(`import YAML from 'yaml'`, 'YAML.parse("a: 1").a', 1),
  is(`import Handlebars from 'handlebars'`, 'Handlebars.compile("{{a}}")({ a: 1 })', '1'),
  is(`import OpenAI from 'openai'`, 'new OpenAI({ apiKey: "k" }).chat.completions.create'),
  is(`import Anthropic from '@anthropic-ai/sdk'`, 'new Anthropic({ apiKey: "k" }).messages.create'),
  is(`import 'reflect-metadata'`, '(Reflect as any).getMetadata'),
  is(`import { plainToInstance } from 'class-transformer'`, 'plainToInstance'),
  is(`import Joi from 'joi'`, 'Joi.string().validate("a").value', 'a'),
  is(`import * as yup from 'yup'`, 'yup.string().isValidSync("a")', true),
  is(`import { firstValueFrom, of } from 'rxjs'`, 'await firstValueFrom(of(1))', 1),
  is(`import { map } from 'rxjs/operators'`, 'map'),
  is(`import bcrypt from 'bcryptjs'`, 'bcrypt.compareSync("a", bcrypt.hashSync("a", 4))', true),
  is(`import mime from 'mime-types'`, 'mime.lookup("a.json")', 'application/json'),
  is(`import { parse } from 'csv-parse/sync'`, 'parse("a,b").length', 1),
  is(`import { PDFDocument } from 'pdf-lib'`, 'PDFDocument.create'),
  is(`import { createId } from '@paralleldrive/cuid2'`, 'createId().length', 24),
  is(`import { ulid } from 'ulid'`, 'ulid().length', 26),
  is(`import Decimal from 'decimal.js'`, 'new Decimal(0.1).plus(0.2).toString()', '0.3'),
  is(`import semver from 'semver'`, 'semver.gt("2.0.0", "1.0.0")', true),
  is(`import { Entity } from 'electrodb'`, 'Entity'),
  is(`import moment from 'moment-timezone'`, 'moment.tz'),
  is(`import fetch, { Headers } from 'node-fetch'`, 'fetch'),
  is(`import FormData from 'form-data'`, 'new FormData().append'),
  is(`import { fileTypeFromBuffer } from 'file-type'`, 'fileTypeFromBuffer'),
  is(`import { Effect } from 'effect'`, 'Effect.runSync(Effect.succeed(1))', 1),
]

const packages = [...new Set(lines.map(([line]) => /'((?:@[^/']+\/)?[^/']+)[^']*'$/.exec(line)![1]!))]

let installed: Installed
beforeAll(async () => {
  installed = await installAll(packages)
}, 600_000)
afterAll(() => installed?.[Symbol.asyncDispose]())

test('there are sixty and more', () => expect(lines.length).toBeGreaterThanOrEqual(60))

test.each([
  ['commonjs', 'threads', workerThreads],
  ['module', 'threads', workerThreads],
  ['module', 'processes', childProcesses],
])(
  'in a package of type %s, %s import popular packages, cold and after a save',
  async (type, _, executor) => {
    await using project = await ServedProject.create({ 'package.json': { name: 'app', type } })
    await installed.linkInto(project.folder)
    expect(await answersOf(project, executor({ maxWorkers: 6 }), lines)).toEqual([])
  },
  900_000,
)
