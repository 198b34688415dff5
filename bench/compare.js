// How long `compareTemplates` takes for two templates of 600 resources of which 60 differ, once its worker is warm, and for how long the
// host's event loop is blocked meanwhile. Options: --count N (comparisons, default 20).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { compareTemplates } from 'lambda-tether/deploy'
import { quantile } from './statistics/quantile.js'

const RESOURCES = 600
const WARM_UP = 5
const CHANGED = 10

export async function run(args) {
  const { values } = parseArgs({ args, options: { count: { type: 'string', default: '20' } } })
  const before = template('before')
  const began = performance.now()
  await compareTemplates(before, template('first'))
  const firstMs = performance.now() - began
  for (let i = 0; i < WARM_UP; i++) await compareTemplates(before, template(`warm-${i}`))
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const times = []
  for (let i = 0; i < Number(values.count); i++) {
    const after = template(`after-${i}`)
    const since = performance.now()
    const { changes } = await compareTemplates(before, after)
    times.push(performance.now() - since)
    if (changes.length !== RESOURCES / CHANGED) throw new Error(`${changes.length} changes`)
  }
  loop.disable()
  times.sort((a, b) => a - b)
  return {
    resources: RESOURCES,
    firstMs: rounded(firstMs),
    medianMs: rounded(quantile(times, 0.5)),
    maxMs: rounded(times.at(-1)),
    maxBlockedMs: rounded(loop.max / 1e6),
  }
}

/** A third each of queues, roles and functions; every tenth resource depends on the name. */
function template(name) {
  const kinds = [queue, role, lambda]
  const resources = Array.from({ length: RESOURCES }, (_, at) => [
    `Resource${at}`,
    kinds[at % kinds.length](at, at % CHANGED === 0 ? name : 'same'),
  ])
  return { Resources: Object.fromEntries(resources) }
}

function queue(at, name) {
  return { Type: 'AWS::SQS::Queue', Properties: { QueueName: `${name}-${at}`, VisibilityTimeout: 60 } }
}

function role(_at, name) {
  const statement = (Action, more) => ({ Effect: 'Allow', Action, ...more })
  const trust = [statement('sts:AssumeRole', { Principal: { Service: 'lambda.amazonaws.com' } })]
  const own = [statement(['s3:GetObject', `s3:${name}`], { Resource: '*' })]
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: trust },
      Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement: own } }],
    },
  }
}

function lambda(at, name) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
      Handler: 'index.handler',
      Runtime: 'nodejs22.x',
      Role: { 'Fn::GetAtt': [`Resource${at - 1}`, 'Arn'] },
      Environment: { Variables: { NAME: name, QUEUE: { Ref: `Resource${at - 2}` } } },
    },
  }
}

function rounded(ms) {
  return Math.round(ms * 10) / 10
}
