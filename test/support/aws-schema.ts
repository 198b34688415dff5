import { NormalizedSchema } from '@smithy/core/schema'

/** A member of a structure in the AWS SDK's models. */
export interface SchemaMember {
  readonly name: string
  readonly required: boolean
  readonly schema: NormalizedSchema
}

/** An operation of the AWS SDK's models. */
export interface OperationSchema {
  /** The status of its success. */
  readonly status: number
  readonly input: NormalizedSchema
  readonly output: NormalizedSchema
}

/** Finds an operation in what a client's package exports: each operation and each shape is a schema named `<name>$`. */
export function operationSchema(
  exports: Readonly<Record<string, unknown>>,
  operation: string,
): OperationSchema | undefined {
  // [9, namespace, name, traits, input, output]
  const schema = exports[`${operation}$`] as readonly unknown[] | undefined
  if (schema === undefined) return undefined
  // Absent in IAM's protocol, where success is 200.
  const { http } = (schema[3] || {}) as { readonly http?: readonly [string, string, number] }
  return { status: http?.[2] ?? 200, input: normalized(schema[4]), output: normalized(schema[5]) }
}

/** A structure's members; none for another type. */
export function schemaMembers(schema: NormalizedSchema): SchemaMember[] {
  if (!schema.isStructSchema() || schema.isUnitSchema()) return []
  // [3, namespace, name, traits, names, schemas, required]: required members come first.
  const required = Number((schema.getSchema() as readonly unknown[])[6] ?? 0)
  return [...schema.structIterator()].map(([name, member], at) => ({
    name,
    required: at < required,
    schema: member,
  }))
}

/** Reads a schema of a client's package. */
export function normalized(schema: unknown): NormalizedSchema {
  return NormalizedSchema.of(schema as never)
}
