import type { BuildOptions, Executor } from '../../src/index.js'
import type { ServedProject } from './served-project.js'

/** An import as it stands in a module, an expression, and what that is. */
export type ImportLine = readonly [line: string, expression: string, value: unknown]

/**
 * Runs each line in a function of its own, cold and again after a save, in the worker that stood by.
 * @returns what went wrong: nothing, where all is well
 */
export async function answersOf(
  project: ServedProject,
  executor: Executor,
  lines: readonly ImportLine[],
  build?: BuildOptions,
): Promise<string[]> {
  const ids = lines.map((_, index) => `line${index}`)
  const fileOf = (id: string) => `src/${id}.ts`
  const textOf = (index: number, version: string) => {
    const [line, expression] = lines[index]!
    return `${line}\nexport const handler = async () => ({ version: '${version}', value: ${expression} })\n`
  }
  for (const [index, id] of ids.entries()) await project.write({ [fileOf(id)]: textOf(index, 'first') })
  await project.serve(executor, Object.fromEntries(ids.map((id) => [id, fileOf(id)])), build)
  const faults: string[] = []
  for (const [index, id] of ids.entries()) {
    const [line, , value] = lines[index]!
    try {
      for (const version of ['first', 'second']) {
        if (version === 'second') await project.save(id, { [fileOf(id)]: textOf(index, version) })
        const answer = JSON.stringify(await project.invoke(id))
        if (answer !== JSON.stringify({ version, value })) faults.push(`${line}: ${version}: ${answer}`)
      }
    } catch (error) {
      faults.push(`${line}: ${(error as Error).name}: ${(error as Error).message.slice(0, 600)}`)
    }
  }
  return faults
}
