// A CDK aspect that puts the stub in front of every Node function in its scope: the layer, its variables, the policy of each
// function's role, and a time-out to work with. Remove it and deploy again to undo all of it.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duration, Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { CfnFunction, Code, Function as LambdaFunction, LayerVersion } from 'aws-cdk-lib/aws-lambda'
import { iotPolicy, LAYER_WRAPPER, layerZip } from 'lambda-tether/deploy'
import { stubEnvironment } from 'lambda-tether/stub'

/** Apply it with `Aspects.of(scope).add(new Tether({ app, stage, key, endpoint }))`. */
export class Tether {
  #options
  #layers = new Map()

  /** @param options of `stubEnvironment`; `timeout` is the least time-out of the functions. */
  constructor({ timeout = Duration.seconds(60), ...options }) {
    this.#options = { timeout, ...options }
  }

  visit(node) {
    if (!(node instanceof LambdaFunction) || !/^nodejs[2-9]\d\.x$/.test(node.runtime?.name ?? '')) return
    const { timeout, ...stub } = this.#options
    const { app, stage, session } = stub
    const own = node.node.defaultChild
    // A wrapper that is there already is run as well.
    const execWrapper = Stack.of(node).resolve(own.environment)?.variables?.AWS_LAMBDA_EXEC_WRAPPER
    node.addLayers(this.#layer(Stack.of(node)))
    const variables = stubEnvironment({
      ...stub,
      functionId: node.node.id,
      ...(execWrapper && { execWrapper }),
    })
    for (const [name, value] of Object.entries(variables)) node.addEnvironment(name, value)
    node.addEnvironment('AWS_LAMBDA_EXEC_WRAPPER', LAYER_WRAPPER)
    const policy = iotPolicy({ app, stage, role: 'stub', ...(session && { session }) })
    for (const statement of policy.Statement) node.addToRolePolicy(PolicyStatement.fromJson(statement))
    if (own instanceof CfnFunction) own.timeout = Math.max(own.timeout ?? 3, timeout.toSeconds())
  }

  /** One for each stack. */
  #layer(stack) {
    const made = this.#layers.get(stack)
    if (made !== undefined) return made
    const file = join(mkdtempSync(join(tmpdir(), 'tether-layer-')), 'layer.zip')
    writeFileSync(file, layerZip('iot'))
    const layer = new LayerVersion(stack, 'LambdaTether', { code: Code.fromAsset(file) })
    this.#layers.set(stack, layer)
    return layer
  }
}
