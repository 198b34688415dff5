import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { TetherError } from '../../core/base/errors.js'
import { checkText } from '../../core/base/option-checks.js'
import { checkOptions } from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import { awsFailure } from '../live/account.js'
import { type StackAccountOptions, stackAccountChecks } from '../stack/options.js'
import { withStacks } from '../stack/service.js'
import type { StackTemplates } from './compare.js'
import type { InfrastructureTemplate } from './diff.js'
import { parseTemplate } from './template-text.js'

/** The state to compare a synthesis with: `deployedBaseline()`, `fileBaseline()`, or your own. */
export interface InfrastructureBaseline {
  /**
   * Reads the templates of these stacks. Omits stacks that do not exist.
   * @returns undefined if nothing is known yet: the first synthesis then becomes the baseline, without a question
   */
  read(stacks: readonly string[], options: AbortOptions): Promise<StackTemplates | undefined>
  /** Records the deployed templates. */
  write(templates: StackTemplates): Promise<void>
}

/**
 * Reads the deployed templates with CloudFormation's `GetTemplate`. Omits a stack that was rolled back on creation.
 * Needs `@aws-sdk/client-cloudformation`, `cloudformation:DescribeStacks` and `cloudformation:GetTemplate`.
 * @throws TetherError `INVALID_OPTION`; from `read`: `DEPLOY_FAILED`, `MISSING_DEPENDENCY`
 */
export function deployedBaseline(options: StackAccountOptions = {}): InfrastructureBaseline {
  const account = checkOptions('deployedBaseline', options, stackAccountChecks)
  return {
    read: (stacks, { signal }) =>
      withStacks({ ...account, signal }, async (service) => {
        const found = await Promise.all(
          stacks.map(async (name): Promise<[string, InfrastructureTemplate][]> => {
            const text = await service.template(name)
            return text === undefined ? [] : [[name, await parseTemplate(text)]]
          }),
        )
        return Object.fromEntries(found.flat())
      }).catch((cause: unknown) => {
        throw awsFailure('Reading what is deployed', cause, signal)
      }),
    // Nothing to record: a deployment changes the templates that read() returns.
    async write() {},
  }
}

/**
 * Keeps the templates of the last deployment in a file. For deployments by other means, or without the rights to read
 * stacks. Only the file's owner can read it.
 * @throws TetherError `INVALID_OPTION`; from `read` and `write`: `STORE_FAILED`
 */
export function fileBaseline(path: string): InfrastructureBaseline {
  checkText('path', path)
  const file = resolve(path)
  return {
    async read(stacks) {
      const all = (await readJsonFile(file)) as StackTemplates | undefined
      return all && Object.fromEntries(Object.entries(all).filter(([name]) => stacks.includes(name)))
    },
    async write(templates) {
      const before = (await readJsonFile(file)) as StackTemplates | undefined
      await writeJsonFile(file, { ...before, ...templates })
    },
  }
}

/** @returns undefined if the file does not exist @throws TetherError `STORE_FAILED` */
export async function readJsonFile(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TetherError('STORE_FAILED', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Replaces a file as a whole: after a kill, it holds the old or the new content. @throws TetherError `STORE_FAILED` */
export async function writeJsonFile(file: string, value: unknown): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
    await rename(`${file}.new`, file)
  } catch (cause) {
    throw new TetherError('STORE_FAILED', `${file} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
