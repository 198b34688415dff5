import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  deployedBaseline,
  fileBaseline,
  type InfrastructureQuestion,
  type InfrastructureTemplate,
  type StackTemplates,
  template,
  watchInfrastructure,
} from '../../src/deploy/index.js'
import { Inputs } from '../../src/deploy/infrastructure/inputs.js'
import { eventually } from '../support/eventually.js'
import { stackCloud } from './stack-fixture.js'
import { folderOf, heard, save } from './watch-fixture.js'

const shop = (...queues: string[]): InfrastructureTemplate => ({
  Resources: {
    Topic: { Type: 'AWS::SNS::Topic' },
    ...Object.fromEntries(queues.map((name) => [name, { Type: 'AWS::SQS::Queue' }])),
  },
})

/** A source that gives what it is told to. */
function source(first: StackTemplates) {
  const state = { templates: first as StackTemplates | Error }
  return Object.assign(state, {
    synth: () => {
      if (state.templates instanceof Error) throw state.templates
      return state.templates
    },
  })
}

const asked = async (told: { next(): Promise<unknown> }) => {
  const one = (await told.next()) as InfrastructureQuestion
  expect(one).toHaveProperty('diff')
  return one
}

describe('watchInfrastructure', () => {
  it('writes the first synthesis to a missing baseline file, readable by its owner', async () => {
    const folder = await folderOf({})
    const file = join(folder, 'kept/baseline.json')
    const told = heard(
      watchInfrastructure({ synth: () => ({ Shop: shop('A') }), baseline: fileBaseline(file) }),
    )
    expect(await told.next()).toBe('none')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ Shop: shop('A') })
    expect((await stat(file)).mode & 0o077).toBe(0)
  })

  it('asks once, not again after a decline, and again when something else differs', async () => {
    const folder = await folderOf({})
    const baseline = fileBaseline(join(folder, 'baseline.json'))
    await baseline.write({ Shop: shop() })
    const from = source({ Shop: shop('A') })
    const options = { synth: from.synth, baseline, declined: join(folder, 'declined.json') }
    const watch = watchInfrastructure(options)
    const told = heard(watch)
    const question = await asked(told)
    expect(String(question).split('\n')[0]).toBe('1 infrastructure change in Shop: 1 created.')
    await watch.check()
    await question.decline()
    await watch.check()
    expect(told.waiting).toBe(0)

    from.templates = { Shop: shop('A', 'B') }
    await watch.check()
    const second = await asked(told)
    expect(second.diff.changes).toHaveLength(2)
    expect(question.signal.aborted).toBe(true)
    await expect(question.deployed()).rejects.toMatchObject({ code: 'ABORTED' })
    await second.decline()
    await watch.close()

    // Killed and started again.
    const again = watchInfrastructure(options)
    const heardAgain = heard(again)
    await again.check()
    from.templates = { Shop: shop() }
    await again.check()
    expect(await heardAgain.next()).toBe('none')
  })

  it('withdraws a question if the source returns to a declined change', async () => {
    const from = source({ Shop: shop('A') })
    const baseline = { read: async () => ({ Shop: shop() }), write: async () => {} }
    const watch = watchInfrastructure({ synth: from.synth, baseline, deploy: () => {} })
    const told = heard(watch)
    await (await asked(told)).decline()
    from.templates = { Shop: shop('B') }
    await watch.check()
    const open = await asked(told)
    from.templates = { Shop: shop('A') }
    await watch.check()
    expect(open.signal.aborted).toBe(true)
    await expect(open.deploy()).rejects.toMatchObject({ code: 'ABORTED' })
    from.templates = { Shop: shop('B') }
    await watch.check()
    expect((await asked(told)).diff.fingerprint).toBe(open.diff.fingerprint)
  })

  it('deploys on request, and advances the baseline', async () => {
    const folder = await folderOf({})
    const baseline = fileBaseline(join(folder, 'baseline.json'))
    await baseline.write({ Shop: shop() })
    const deploy = vi.fn()
    const from = source({ Shop: shop('A') })
    const watch = watchInfrastructure({ synth: from.synth, baseline, deploy })
    const told = heard(watch)
    const question = await asked(told)
    expect(deploy).not.toHaveBeenCalled()
    deploy.mockRejectedValueOnce(new Error('no rights'))
    await expect(question.deploy()).rejects.toThrow('no rights')
    expect(await baseline.read(['Shop'], {})).toEqual({ Shop: shop() })
    expect(await question.deploy()).toEqual({})
    expect(deploy.mock.lastCall?.[0]).toMatchObject({ templates: { Shop: shop('A') } })
    await expect(question.deploy()).rejects.toMatchObject({ code: 'ABORTED' })
    await watch.check()
    expect(await told.next()).toBe('none')
    await expect(asked({ next: async () => question })).resolves.toBeDefined()
  })

  it('reports an error, keeps the baseline, and continues', async () => {
    const baseline = { read: async () => ({ Shop: shop() }), write: vi.fn() }
    const from = source({ Shop: shop() })
    from.templates = new Error('line 3')
    const watch = watchInfrastructure({ synth: from.synth, baseline })
    const told = heard(watch)
    expect(await told.next()).toMatchObject({ message: 'line 3' })
    from.templates = { Resources: {} } as never
    await watch.check()
    expect(await told.next()).toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('no Resources'),
    })
    from.templates = { Shop: shop() }
    await watch.check()
    expect(await told.next()).toBe('none')
    expect(baseline.write).not.toHaveBeenCalled()
  })

  it('reports the rejection of a listener', async () => {
    const watch = watchInfrastructure({
      synth: () => ({ Shop: shop('A') }),
      baseline: { read: async () => ({ Shop: shop() }), write: async () => {} },
    })
    watch.on('change', async () => {
      throw new Error('from the listener')
    })
    const told = heard(watch)
    await asked(told)
    expect(await told.next()).toMatchObject({ message: 'from the listener' })
  })

  it('ignores changes that the option `ignore` matches', async () => {
    const from = source({ Shop: shop('Ignored1') })
    const watch = watchInfrastructure({
      synth: from.synth,
      baseline: { read: async () => ({ Shop: shop() }), write: async () => {} },
      ignore: [({ logicalId }) => logicalId.startsWith('Ignored')],
    })
    const told = heard(watch)
    expect(await told.next()).toBe('none')
    from.templates = { Shop: shop('Ignored1', 'A') }
    await watch.check()
    await (await asked(told)).decline()
    from.templates = { Shop: shop('Ignored2', 'A') }
    await watch.check()
    expect(told.waiting).toBe(0)
  })

  it('runs one synthesis at a time: a newer save cancels it', async () => {
    const folder = await folderOf({ 'app.txt': '1' })
    const begun: AbortSignal[] = []
    let running = 0
    let most = 0
    let free = () => {}
    const held = new Promise<void>((resolve) => {
      free = resolve
    })
    const watch = watchInfrastructure({
      synth: {
        async synth({ signal }) {
          begun.push(signal!)
          most = Math.max(most, ++running)
          if (begun.length === 2) {
            await Promise.race([held, new Promise((resolve) => signal!.addEventListener('abort', resolve))])
          }
          running -= 1
          return { templates: { Shop: shop() }, files: [join(folder, 'app.txt')] }
        },
      },
      baseline: { read: async () => ({ Shop: shop() }), write: async () => {} },
      debounceMs: 10,
    })
    const told = heard(watch)
    expect(await told.next()).toBe('none')
    await save(folder, 'app.txt', '22')
    await eventually(() => expect(begun.length).toBe(2))
    await save(folder, 'app.txt', '333')
    expect(await told.next()).toBe('none')
    free()
    expect(begun[1]?.aborted).toBe(true)
    expect(begun.length).toBe(3)
    expect(most).toBe(1)
  })

  it('compares with the deployed stacks, including a missing one', async () => {
    const { cloud, client } = await stackCloud()
    const { region, credentials, cloudFormationEndpoint } = cloud
    const queue = { Resources: { A: { Type: 'AWS::SQS::Queue' } } }
    await client.send(new CreateStackCommand({ StackName: 'Shop', TemplateBody: JSON.stringify(queue) }))
    const baseline = deployedBaseline({ region, credentials, cloudFormationEndpoint })
    expect(await baseline.read(['Shop', 'Other'], {})).toEqual({ Shop: queue })
    const told = heard(watchInfrastructure({ synth: () => ({ Shop: queue, Other: queue }), baseline }))
    expect((await asked(told)).diff.changes).toMatchObject([
      { stack: 'Other', logicalId: 'A', impact: 'created' },
    ])
    await expect(
      deployedBaseline({ region, credentials, cloudFormationEndpoint: 'http://127.0.0.1:9' }).read(['a'], {
        signal: AbortSignal.timeout(1),
      }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('Inputs', () => {
  it('counts a file rewritten by a synthesis once, and again if its text differs', async () => {
    const folder = await folderOf({ 'made.json': '1' })
    const files = [join(folder, 'made.json')]
    const inputs = new Inputs(() => {})
    onTestFinished(() => inputs.close())
    const synthesis = async (text: string) => {
      await save(folder, 'made.json', text)
      return inputs.follow({ files }, 0)
    }
    expect(await synthesis('2')).toBe(true)
    expect(await synthesis('2')).toBe(false)
    expect(await synthesis('3')).toBe(true)
  })
})

describe('deployedBaseline', () => {
  it('has no template for a stack after its creation was rolled back', async () => {
    const { cloud, client } = await stackCloud({ failResource: () => 'Rate exceeded' })
    const { region, credentials, cloudFormationEndpoint } = cloud
    const TemplateBody = JSON.stringify({ Resources: { A: { Type: 'AWS::SQS::Queue' } } })
    await client.send(new CreateStackCommand({ StackName: 'Shop', TemplateBody }))
    const status = async () => {
      const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: 'Shop' }))
      return Stacks[0]?.StackStatus
    }
    await eventually(async () => expect(await status()).toBe('ROLLBACK_COMPLETE'))
    const baseline = deployedBaseline({ region, credentials, cloudFormationEndpoint })
    expect(await baseline.read(['Shop'], {})).toEqual({})
  })
})

describe('template', () => {
  const YAML = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Environment:
        Variables: { TABLE: !Ref Table, ARN: !GetAtt Table.Arn, NAME: !Sub '\${AWS::StackName}-x' }
      Role: !If [Own, !ImportValue role, !Ref AWS::NoValue]
  Table: { Type: AWS::Serverless::SimpleTable }
`

  it('reads YAML with its short forms, as JSON says it, and watches the file', async () => {
    const folder = await folderOf({ 'template.yaml': YAML })
    const from = template({ path: join(folder, 'template.yaml') })
    const { templates, files } = await from.synth({})
    expect(files).toEqual([join(folder, 'template.yaml')])
    const { Resources } = templates.template as { Resources: Record<string, { Properties: object }> }
    expect(Resources.Api?.Properties).toEqual({
      Handler: 'index.handler',
      Environment: {
        Variables: {
          TABLE: { Ref: 'Table' },
          ARN: { 'Fn::GetAtt': ['Table', 'Arn'] },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
          NAME: { 'Fn::Sub': '${AWS::StackName}-x' },
        },
      },
      Role: { 'Fn::If': ['Own', { 'Fn::ImportValue': 'role' }, { Ref: 'AWS::NoValue' }] },
    })
    const baseline = { read: async () => templates, write: async () => {} }
    const told = heard(watchInfrastructure({ synth: from, baseline, debounceMs: 5 }))
    expect(await told.next()).toBe('none')
    await save(folder, 'template.yaml', `${YAML}  Queue: { Type: AWS::SQS::Queue }\n`)
    expect((await asked(told)).diff.changes).toMatchObject([{ stack: 'template', logicalId: 'Queue' }])
    await save(folder, 'template.yaml', 'Resources:\n  A: {\n')
    expect(await told.next()).toMatchObject({ code: 'BUILD_FAILED', details: { file: files[0], line: 3 } })
    await save(folder, 'template.yaml', YAML)
    expect(await told.next()).toBe('none')
  })

  it('reads several JSON files under their own names, and reports the place of an error', async () => {
    const folder = await folderOf({ 'a.template.json': '{"Resources":{}}', 'b.json': '{\n "Resources": [}' })
    const [a, b] = [join(folder, 'a.template.json'), join(folder, 'b.json')]
    expect((await template({ path: a }).synth({})).templates).toEqual({ a: { Resources: {} } })
    expect((await template({ path: [a], stack: ['Shop'] }).synth({})).templates).toEqual({
      Shop: { Resources: {} },
    })
    await expect(template({ path: b }).synth({})).rejects.toMatchObject({ details: { file: b, line: 2 } })
  })
})
