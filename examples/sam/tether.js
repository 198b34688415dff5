// node tether.js template.json live.json: puts the stub in front of the Node functions of a SAM or CloudFormation template.
// Deploy live.json in its place, and template.json again to go back. Beside live.json it writes layer.zip, which
// `sam deploy` and `aws cloudformation package` upload.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { iotPolicy, LAYER_WRAPPER, layerZip } from 'lambda-tether/deploy'
import { stubEnvironment } from 'lambda-tether/stub'

const LAYER = 'LambdaTetherLayer'

/** @param options of `stubEnvironment` @returns a copy of the template */
export function withTether(template, { timeout = 60, ...options }) {
  const live = structuredClone(template)
  const globals = live.Globals?.Function ?? {}
  const functions = Object.entries(live.Resources).filter(
    ([, { Type, Properties = {} }]) =>
      /^AWS::(Lambda|Serverless)::Function$/.test(Type) &&
      /^nodejs[2-9]\d\.x$/.test(
        Properties.Runtime ?? (Type.includes('Serverless') ? globals.Runtime : '') ?? '',
      ),
  )
  for (const [id, { Type, Properties }] of functions) {
    const inherited = Type === 'AWS::Serverless::Function' ? globals : {}
    const layers = Properties.Layers ?? []
    if (layers.length + (inherited.Layers?.length ?? 0) >= 5)
      throw new Error(`${id} has five layers; Lambda allows no more.`)
    Properties.Layers = [...layers, { Ref: LAYER }]
    const own = Properties.Environment?.Variables ?? {}
    const execWrapper =
      own.AWS_LAMBDA_EXEC_WRAPPER ?? inherited.Environment?.Variables?.AWS_LAMBDA_EXEC_WRAPPER
    Properties.Environment = {
      Variables: {
        ...own,
        AWS_LAMBDA_EXEC_WRAPPER: LAYER_WRAPPER,
        ...stubEnvironment({
          ...options,
          functionId: id,
          ...(execWrapper && { execWrapper }),
        }),
      },
    }
    // A parameter's value is not known here, and stays.
    if (Number(Properties.Timeout ?? inherited.Timeout ?? 3) < timeout) Properties.Timeout = timeout
    const { app, stage, session } = options
    const policy = iotPolicy({ app, stage, role: 'stub', ...(session && { session }) })
    if (Type === 'AWS::Serverless::Function' && Properties.Role === undefined)
      Properties.Policies = [].concat(Properties.Policies ?? inherited.Policies ?? [], policy)
    else live.Resources[`${id}LambdaTetherPolicy`] = policyResource(id, Properties.Role, policy)
  }
  if (functions.length > 0) {
    live.Resources[LAYER] = {
      Type: 'AWS::Lambda::LayerVersion',
      Properties: {
        Content: './layer.zip',
        CompatibleRuntimes: ['nodejs20.x', 'nodejs22.x', 'nodejs24.x', 'nodejs26.x'],
      },
    }
  }
  return live
}

/** For a role of the template's own. */
function policyResource(id, role, PolicyDocument) {
  const name = role?.['Fn::GetAtt']?.[0] ?? role?.Ref
  if (name === undefined)
    throw new Error(`The role of ${id} is not in the template: give it iotPolicy() yourself.`)
  return {
    Type: 'AWS::IAM::Policy',
    Properties: { PolicyName: 'lambda-tether', Roles: [{ Ref: name }], PolicyDocument },
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , from, to] = process.argv
  const { TETHER_APP: app, TETHER_STAGE: stage, TETHER_KEY: key, TETHER_ENDPOINT: endpoint } = process.env
  const live = withTether(JSON.parse(readFileSync(from, 'utf8')), { app, stage, key, endpoint })
  writeFileSync(to, `${JSON.stringify(live, null, 2)}\n`)
  writeFileSync(join(dirname(to), 'layer.zip'), layerZip('iot'))
}
