import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import { checkText, listOf } from '../../core/base/option-checks.js'
import { type Check, checkOptions, required } from '../../core/base/options.js'
import type { InfrastructureTemplate } from './diff.js'
import { type InfrastructureSource, synthFailed } from './source.js'
import { parseTemplate } from './template-text.js'

/** Options of {@link template}. */
export interface TemplateSourceOptions {
  /** One file or several, in JSON or YAML, relative to the working directory. */
  readonly path: string | readonly string[]
  /** The stacks' names, one for each file. @default the files' names without `.json`, `.yaml`, `.yml`, `.template` */
  readonly stack?: string | readonly string[] | undefined
}

const checkTexts: Check = (name, value) =>
  Array.isArray(value) ? listOf('a list of texts', checkText)(name, value) : checkText(name, value)

/**
 * Reads templates from files: SAM, plain CloudFormation, and the output of `serverless package`. YAML needs the package
 * `yaml`.
 * @throws TetherError `INVALID_OPTION`; from `synth`: `BUILD_FAILED` with `details.file` and `details.line`,
 * `MISSING_DEPENDENCY` (yaml)
 */
export function template(options: TemplateSourceOptions): InfrastructureSource {
  const { path, stack = [] } = checkOptions<TemplateSourceOptions>('template', options, {
    path: required(checkTexts),
    stack: checkTexts,
  })
  const files = [path].flat().map((one) => resolve(one as string))
  const names = [stack].flat() as string[]
  return {
    async synth({ signal }) {
      const read = await Promise.all(
        files.map(async (file, at) => [names[at] ?? stackOf(file), await readTemplate(file, files)] as const),
      )
      throwIfAborted(signal)
      return { templates: Object.fromEntries(read), files }
    },
  }
}

async function readTemplate(file: string, files: readonly string[]): Promise<InfrastructureTemplate> {
  try {
    return await parseTemplate(await readFile(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof TetherError && cause.code === 'MISSING_DEPENDENCY') throw cause
    const { message, line } = cause as Error & { line?: number }
    const place = line === undefined ? file : `${file}:${line}`
    throw synthFailed(
      `${place}: ${message}`,
      { file, ...(line !== undefined && { line }), text: message, files },
      cause,
    )
  }
}

function stackOf(file: string): string {
  let name = basename(file)
  while (['.json', '.yaml', '.yml', '.template'].includes(extname(name)))
    name = name.slice(0, -extname(name).length)
  return name
}
