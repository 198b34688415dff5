// What documentation shows beside programs (`programs.test.ts`): commands, templates and settings.
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { awsProblems } from '../deploy/aws-model.js'
import { AwsSpec, type Template } from '../deploy/debug-stack-spec.js'
import { shellCommands, type Words } from '../deploy/shell-commands.js'
import { pages, read } from './pages.js'
import { terraformProblems } from './terraform.js'

const manifest = JSON.parse(read('package.json'))
/** `.ci/long` does all that it says. */
const FOLLOWED = 'docs/monorepos.md'
const checkedPages = pages.filter((page) => page !== FOLLOWED)
const blocks = checkedPages.flatMap((page) => {
  const fences = read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)
  return [...fences].map(([, language, text]) => ({ page, language: language!, text: text! }))
})
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))

/** The flags of the AWS CLI's own commands, which no service's model has. */
const CLOUDFORMATION: Readonly<Record<string, readonly string[]>> = {
  deploy: ['stack-name', 'template-file', 'capabilities'],
  package: ['template-file', 's3-bucket', 'output-template-file'],
  'describe-stacks': ['stack-name', 'query'],
}
/** Run by first-function-run.test.ts, examples/cdk, whose part it is, and test-runners.test.ts. */
const JAVASCRIPT = ['docs/first-function.md', 'docs/deploy-by-hand/cdk.md', 'docs/test-runners.md']
/** Not this package's, and not to be checked here. */
const FOREIGN = [
  'apt-get',
  'brew',
  'cat',
  'cd',
  'curl',
  'echo',
  'export',
  'jq',
  'mkdir',
  'sam',
  'terraform',
  'umask',
  'yq',
]
const PEERS = ['lambda-tether', ...Object.keys(manifest.peerDependencies)]
/** What test-runners.test.ts runs. */
const RUNNERS = ['vitest', 'mocha', 'sinon', 'jest']

async function problemsOf(command: Words): Promise<string[]> {
  const [program = '', first = '', second = '', ...rest] = command.filter((word) => !/^[A-Z_]+=/.test(word))
  if (program === '' || program === 'node' || FOREIGN.includes(program)) return []
  if (program === 'aws' && first === 'cloudformation') {
    const known = CLOUDFORMATION[second]
    if (known === undefined) return [`there is no aws cloudformation ${second} here`]
    const flags = rest.filter((word) => word.startsWith('--')).map((word) => word.slice(2))
    return flags.filter((flag) => !known.includes(flag)).map((flag) => `--${flag} is no flag of it`)
  }
  if (program === 'aws') return awsProblems(command)
  if (program === 'npx') return [...RUNNERS, 'cdk'].includes(first) ? [] : [`npx ${first} is not known`]
  if (program !== 'npm') return [`'${program}' is not known`]
  if (['ci', 'test', 'init', 'pkg'].includes(first)) return []
  if (first === 'run') {
    const script = [second, ...rest].find((word) => !word.startsWith('-'))
    return Object.hasOwn(manifest.scripts, script ?? '') ? [] : [`there is no script '${script}'`]
  }
  if (first !== 'install') return [`npm ${first} is not known`]
  return [second, ...rest]
    .filter((name) => name !== '--save-dev' && ![...PEERS, ...RUNNERS].includes(name))
    .map((name) => `${name} is no peer`)
}

describe('the blocks of the documentation', () => {
  const spec = new AwsSpec()
  it('are of languages that are checked', () => {
    // A picture in text has none.
    const checked = ['', 'ts', 'sh', 'json', 'yaml', 'js', 'hcl']
    expect(blocks.filter(({ language }) => !checked.includes(language))).toEqual([])
    expect(of('js').filter(({ page }) => !JAVASCRIPT.includes(page))).toEqual([])
  })

  it.each(of('sh').map(({ page, text }) => [page, text] as const))(
    'are commands that exist: %s %s',
    async (_, text) => {
      for (const command of shellCommands(text))
        expect(await problemsOf(command), command.join(' ')).toEqual([])
    },
  )

  it.each([
    ['npm run nothing', "there is no script 'nothing'"],
    ['npm install left-pad', 'left-pad is no peer'],
    ['aws cloudformation deploy --name x', '--name is no flag of it'],
    ['aws lambda get-functions', "lambda has no operation 'get-functions'"],
    ['make it', "'make' is not known"],
  ])('would not be: %s', async (text, problem) => {
    expect((await Promise.all(shellCommands(text).map(problemsOf))).flat()).toContain(problem)
  })

  it('are JSON where they say so', () => {
    expect(of('json').length).toBeGreaterThan(0)
    for (const { text } of of('json')) expect(JSON.parse(text)).toBeTypeOf('object')
  })

  it('are CloudFormation where they say YAML', () => {
    const tag = { tag: '!Ref', resolve: (value: string) => ({ Ref: value }) }
    expect(of('yaml').length).toBeGreaterThan(0)
    for (const { text } of of('yaml')) {
      const { Resources } = parse(text, { customTags: [tag] }) as Template
      // What the page leaves to the reader's own template, and to packaging.
      const ApiRole = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } }
      Object.assign(Resources.Api!.Properties!, { Code: { S3Bucket: 'b', S3Key: 'k' }, Role: 'arn' })
      Object.assign(Resources.LambdaTetherLayer!.Properties!, { Content: { S3Bucket: 'b', S3Key: 'l' } })
      expect(spec.problems({ Resources: { ...Resources, ApiRole } })).toEqual([])
    }
  })

  // What the page has the reader make, and what it takes to be there.
  const beside = { addresses: ['aws_iam_role.api'], files: ['layer.zip', 'variables.json', 'policy.json'] }

  it('are Terraform where they say HCL', async () => {
    expect(of('hcl').length).toBeGreaterThan(0)
    for (const { text } of of('hcl')) expect(await terraformProblems(text, spec, beside)).toEqual([])
  })

  // Each parsing starts its parser anew, which takes a second.
  it('is not Terraform with an undeclared resource or argument', async () => {
    const mistakes = [
      ['layers = [aws_lambda_layer_version.tether.arn]', 'aws_lambda_layer_version.tether is not declared'],
      ['time_out = 60', "aws_lambda_function.api: there is no argument 'time_out'"],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
      ['filename = "${path.module}/code.zip"', "there is no file 'code.zip'"],
    ]
    const text = resource(mistakes.map(([argument]) => argument).join('\n'))
    const problems = await terraformProblems(text, spec, beside)
    expect([...problems].sort()).toEqual(mistakes.map(([, problem]) => problem).sort())
  })

  it('would not be Terraform with a syntax of its own', async () => {
    const problems = await terraformProblems(resource('timeout = (60'), spec, beside)
    expect(problems.join()).toContain('Error: parse config')
  })

  const resource = (argumentsOf: string) => `resource "aws_lambda_function" "api" {\n${argumentsOf}\n}\n`
})
