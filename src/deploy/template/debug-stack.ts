// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { listOf, recordOf } from '../../core/base/option-checks.js'
import { type Checks, checkOptions, invalidOption, mustBe, required } from '../../core/base/options.js'
import { checkPart } from '../../core/contracts/transport.js'
import type { StageScope } from '../../core/wire/derivation.js'
import { checkRootKey, rootKey, StageKeys } from '../../core/wire/root-key.js'
import { runFile } from '../../run-files.js'
import { apiResources } from './api.js'
import { relayResources } from './relay.js'
import { type CloudFormationResources, ref, substitute, type Tags } from './resource.js'
import { storageResources } from './storage.js'

/** Options of {@link debugStackTemplate}. */
export interface DebugStackOptions {
  /** Must match the session and the stubs. Give each stage a stack of its own. */
  readonly app: string
  readonly stage: string
  /**
   * The session's key from `generateKey()`; during a key rotation, the current and the previous one. The template
   * contains only their public halves, by which the relay recognises the stage's sessions.
   */
  readonly key: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Tags for every resource that takes tags. @default none */
  readonly tags?: Tags | undefined
  /** How long the relay's log is kept: 1, 3, 5, 7, 14, 30 or more days, as CloudWatch Logs allows. @default 7 */
  readonly logRetentionDays?: number | undefined
}

/** A CloudFormation template. Its JSON is the form that CloudFormation takes. */
export interface CloudFormationTemplate {
  readonly AWSTemplateFormatVersion: '2010-09-09'
  readonly Description: string
  readonly Resources: CloudFormationResources
  readonly Outputs: Readonly<Record<string, { readonly Description: string; readonly Value: unknown }>>
}

/**
 * Returns the debug stack of the `api-gateway` transport as a CloudFormation template: a WebSocket API, the relay
 * behind it, its table of connections, and a bucket for large payloads. It costs nothing while no client is connected.
 * {@link deployDebugStack} deploys it; other tools can deploy it under {@link debugStackName}, or any name, with
 * `--capabilities CAPABILITY_IAM`.
 *
 * Outputs: `Endpoint` for `apiGateway({ endpoint })` and `stubEnvironment({ endpoint })`, `Bucket` for
 * `s3({ bucket })`, `ApiId` for `apiGatewayPolicy({ apiId })`.
 *
 * The relay accepts only sessions of this `app`, `stage` and `key`. To rotate the key, deploy `[new, old]` before
 * sessions have the new one.
 *
 * CloudFormation does not delete a bucket with objects in it: {@link removeDebugStack} empties it first. Objects left
 * by a crash are gone two days later.
 * @throws TetherError `INVALID_OPTION` naming the option; `EXECUTION_FAILED` if the built relay is missing
 */
export function debugStackTemplate(options: DebugStackOptions): CloudFormationTemplate {
  const {
    app,
    stage,
    key,
    tags = {},
    logRetentionDays = 7,
  } = checkOptions('debugStackTemplate', options, stackChecks)
  const code = readFileSync(runFile('relay'), 'utf8')
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `lambda-tether: a WebSocket API between the functions of ${app}, stage ${stage}, and their developers`,
    Resources: {
      ...apiResources(tags),
      ...relayResources({
        code,
        app,
        stage,
        publicKeys: publicKeys(key, { app, stage }),
        logRetentionDays,
        tags,
      }),
      ...storageResources(tags),
    },
    Outputs: {
      Endpoint: {
        Description: 'What the session and the stubs connect to',
        Value: substitute('${Api.ApiEndpoint}/${ApiStage}'),
      },
      ApiId: { Description: 'What policies name', Value: ref('Api') },
      Bucket: { Description: 'Where large payloads are put', Value: ref('Payloads') },
    },
  }
}

/**
 * Returns the debug stack's name: `<stage>-<app>-debug-stack`. If CloudFormation does not allow that name, replaces the
 * invalid characters and adds a hash to keep names distinct.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function debugStackName(options: Pick<DebugStackOptions, 'app' | 'stage'>): string {
  const checks = { ...stackChecks, key: checkKeys }
  const { app, stage } = checkOptions<Omit<DebugStackOptions, 'key'>>('debugStackName', options, checks)
  const name = `${stage}-${app}`
  if (/^[A-Za-z][A-Za-z0-9-]{0,115}$/.test(name)) return `${name}-debug-stack`
  const hash = createHash('sha256')
    .update(JSON.stringify([app, stage]))
    .digest('hex')
    .slice(0, 8)
  const plain = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
  return `lt-${plain.slice(0, 80)}-${hash}-debug-stack`.replace(/-{2,}/g, '-')
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
const RETENTION_DAYS: readonly unknown[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

/** A check for each of {@link DebugStackOptions}. */
export const stackChecks: Checks<DebugStackOptions> = {
  app: required(checkPart),
  stage: required(checkPart),
  key: required(checkKeys),
  tags: checkTags,
  logRetentionDays: (name, value) =>
    mustBe(`one of ${RETENTION_DAYS.join(', ')}`, RETENTION_DAYS.includes(value), name, value),
}

/**
 * Checks a session's key, or the two keys of a rotation.
 * @throws TetherError `INVALID_OPTION`; the message never holds a key
 */
export function checkKeys(name: string, value: unknown): void {
  if (!Array.isArray(value)) return checkRootKey(name, value)
  mustBe(
    'a key, or a list of two: the current and the previous one',
    [1, 2].includes(value.length),
    name,
    value.length,
  )
  listOf('a list of keys', checkRootKey)(name, value)
}

/** Returns the value of the relay's `PUBLIC_KEYS`. */
function publicKeys(key: DebugStackOptions['key'], scope: StageScope): string {
  return [key]
    .flat()
    .map((one) => new StageKeys(rootKey('key', one), scope).publicBytes.toString('base64url'))
    .join(',')
}

// The characters that all services of the stack accept.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const MAX_TAGS = 50
const MAX_TAG_KEY = 128
const MAX_TAG_VALUE = 256

function checkTags(name: string, value: unknown): void {
  recordOf('an object of texts by key', checkTag)(name, value)
  const count = Object.keys(value as object).length
  if (count > MAX_TAGS) throw invalidOption(name, `has ${count} tags; AWS allows ${MAX_TAGS}`)
  const wrong = Object.keys(value as object).find((key) => !isTagKey(key))
  if (wrong !== undefined)
    throw invalidOption(
      name,
      `has '${wrong}': a key has 1 to ${MAX_TAG_KEY} letters, digits, spaces and _.:/=+-@, and does not begin with 'aws:'`,
    )
}

function checkTag(name: string, value: unknown): void {
  const holds = typeof value === 'string' && value.length <= MAX_TAG_VALUE && TAG_TEXT.test(value)
  mustBe(`at most ${MAX_TAG_VALUE} letters, digits, spaces and _.:/=+-@`, holds, name, value)
}

function isTagKey(key: string): boolean {
  return key !== '' && key.length <= MAX_TAG_KEY && TAG_TEXT.test(key) && !/^aws:/i.test(key)
}
