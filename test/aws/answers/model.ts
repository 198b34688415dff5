import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { NormalizedSchema } from '@smithy/core/schema'
import { normalized, type OperationSchema, operationSchema } from '../../support/aws-schema.js'
import { SERVICES, type Service, type ServiceName } from './service.js'

const require = createRequire(import.meta.url)

/** An operation as the SDK's model has it. */
export interface OperationModel extends OperationSchema {
  /** The errors that it declares, by the code that is on the wire. */
  readonly errors: ReadonlyMap<string, ErrorModel>
}

export interface ErrorModel {
  readonly status: number
  readonly schema: NormalizedSchema
}

/** Reads an operation's model. @throws where the service has no such operation */
export function operationModel(service: ServiceName, operation: string): OperationModel {
  const { exports, packageName }: Service = SERVICES[service]
  const schema = operationSchema(exports, operation)
  if (schema === undefined) throw new Error(`${service} has no operation ${operation}.`)
  return {
    ...schema,
    errors: new Map(
      declaredErrors(packageName, operation).map((name) => errorModel(exports[`${name}$`], name)),
    ),
  }
}

// Schemas do not say which errors an operation has; the comments of its command do.
function declaredErrors(packageName: string, operation: string): string[] {
  const root = dirname(dirname(require.resolve(`@aws-sdk/${packageName}`)))
  const file = join(root, 'dist-types', 'commands', `${operation}Command.d.ts`)
  const names = [...readFileSync(file, 'utf8').matchAll(/@throws \{@link (\w+)\}/g)].map(([, name]) => name!)
  // The last is the base of all of the client's errors.
  return names.slice(0, -1)
}

function errorModel(schema: unknown, name: string): [code: string, ErrorModel] {
  const model = normalized(schema)
  const { awsQueryError, httpError, error } = model.getMergedTraits() as {
    awsQueryError?: readonly [string, number]
    httpError?: number
    error?: string
  }
  const status = awsQueryError?.[1] ?? httpError ?? (error === 'server' ? 500 : 400)
  return [awsQueryError?.[0] ?? name, { status, schema: model }]
}
