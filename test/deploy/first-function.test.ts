import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { awsProblems } from './aws-model.js'
import { codeBlocks } from './markdown.js'
import { shellCommands } from './shell-commands.js'

const markdown = readFileSync(new URL('../../docs/first-function.md', import.meta.url), 'utf8')
const blocks = codeBlocks(markdown)
const shell = blocks.filter(({ language }) => language === 'sh')
const commands = shell.flatMap(({ text }) => shellCommands(text))
const awsCommands = commands.filter(([program]) => program === 'aws')

describe('docs/first-function.md', () => {
  it('has shell commands and files to save, and nothing else in fences', () => {
    expect(blocks.filter(({ language, fileName }) => language !== 'sh' && fileName === undefined)).toEqual([])
  })

  it('has no AWS command that this test overlooks', () => {
    const written = shell.flatMap(({ text }) => text.match(/\baws\b(?=\s)/g) ?? [])
    expect(awsCommands).toHaveLength(written.length)
    expect(new Set(awsCommands.map(([, service, operation]) => `${service} ${operation}`))).toEqual(
      new Set([
        'lambda get-function-configuration',
        'lambda get-function',
        'iot describe-endpoint',
        'iam put-role-policy',
        'lambda update-function-code',
        'lambda wait',
        'lambda update-function-configuration',
        'lambda invoke',
        'iam delete-role-policy',
      ]),
    )
  })

  it.each(awsCommands.map((command) => [command.join(' '), command] as const))(
    'is right by the AWS SDK’s model: %s',
    async (_, command) => {
      expect(await awsProblems(command)).toEqual([])
    },
  )
})

describe('the check of AWS commands', () => {
  const update = 'aws lambda update-function-configuration --function-name f'
  it.each([
    ['aws lamda get-function --function-name f', "there is no service 'lamda' among iam, iot, lambda"],
    ['aws lambda fetch-function --function-name f', "lambda has no operation 'fetch-function'"],
    ['aws constructor x', "there is no service 'constructor' among iam, iot, lambda"],
    ['aws lambda get-function --function f', '--function is no flag of it'],
    ['aws lambda get-function', '--function-name is missing'],
    ['aws lambda get-function --function-name', '--function-name has no value'],
    ['aws lambda get-function --function-name f g', '1 words without a flag, where 0 belong'],
    [`${update} --time-out 60`, '--time-out is no flag of it'],
    [`${update} --timeout 60s`, "--timeout '60s' is no number"],
    [`${update} --timeout 1 --timeout 2`, '--timeout is given twice'],
    [`${update} --environment environment.json`, "--environment 'environment.json' is no file://"],
    [`${update} --query LastUpdatedStatus`, "there is no 'LastUpdatedStatus' in the output"],
    [`${update} --output plain`, "--output is 'plain'"],
    ['aws lambda update-function-code --function-name f --zip-file file://a', 'must be fileb://'],
    ['aws lambda get-function --function-name f --query Code.Place', "there is no 'Place' in the output"],
    ['aws lambda get-function --function-name f --query Tags.Code', "there is no 'Code' in the output"],
    ['aws iam put-role-policy --role-name r --policy-name p', '--policy-document is missing'],
    ['aws lambda wait function-changed --function-name f', "lambda has no waiter 'function-changed'"],
    ['aws lambda wait function-updated --functionname f', '--functionname is no flag of it'],
    ['aws lambda wait function-updated', '--function-name is missing'],
    ['aws lambda invoke --function-name f', '0 words without a flag, where 1 belong'],
    ['awk lambda', "'awk' is not the AWS CLI"],
  ])('finds the mistake in %s', async (command, problem) => {
    expect((await awsProblems(command.split(' '))).join('; ')).toContain(problem)
  })

  it.each([
    `${update} --kms-key-arn k --layers file://l --memory-size 128 --region eu-west-1`,
    'aws lambda update-function-code --function-name f --publish --s3-bucket b --s3-key k',
    'aws iot describe-endpoint',
    'aws lambda wait function-active-v2 --function-name f',
  ])('finds nothing wrong with %s', async (command) => {
    expect(await awsProblems(command.split(' '))).toEqual([])
  })
})

describe('the reading of shell commands', () => {
  it('knows quotes, substitutions, pipes, redirections and continued lines', () => {
    const text = `A=1 # no command: aws x
      aws a --b "$(aws c --d "$E" | tail -n 1)" > 'f g' && echo 'it; is $(not)' \\
        \\"x\\"; aws h < i`
    expect(shellCommands(text)).toEqual([
      ['A=1'],
      ['aws', 'c', '--d', '$E'],
      ['tail', '-n', '1'],
      ['aws', 'a', '--b', '$(aws c --d "$E" | tail -n 1)'],
      ['echo', 'it; is $(not)', '\\"x\\"'],
      ['aws', 'h'],
    ])
  })

  it.each(['aws a "b', "aws 'a", 'aws $(b', 'aws a)', 'echo `aws a`', 'cat <<EOF'])(
    'refuses unsupported syntax: %s',
    (text) => expect(() => shellCommands(text)).toThrow(),
  )
})
