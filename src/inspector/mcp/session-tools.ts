import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageFolder } from '../../run-files.js'
import type { BuildProblem } from '../api/status.js'
import { HttpProblem } from '../server/http-problem.js'
import { numberArgument, textArgument } from './arguments.js'
import { type AgentTool, READ_ONLY } from './tool.js'

const PAGE_CHARACTERS = 16_000
const MOST_ROUNDS = 10
const MOST_DISCARDS = 10
const MESSAGE_CHARACTERS = 4_000

const status: AgentTool = {
  name: 'status',
  title: 'How the session is',
  description:
    'Connection, functions with the state of their code, counts, and what was discarded. Call it first, and when nothing arrives. `cursor` is for wait_for_invocation.',
  properties: {},
  annotations: READ_ONLY,
  untrusted: true,
  run({ parts }) {
    const { stats, functions, discards, ...rest } = parts.status()
    return {
      ...rest,
      functions: functions.map(({ error, ...each }) => ({
        ...each,
        ...(error && { error: shortened(error) }),
      })),
      // Anyone with access to the broker can cause discards.
      discards: discards.slice(-MOST_DISCARDS),
      invocations: stats.invocations,
    }
  },
}

const buildErrors: AgentTool = {
  name: 'build_errors',
  title: 'Load the code and say what is wrong with it',
  description:
    'Loads the code of one function, or of all that were used, anew, and says which could not be built or loaded, with file, line and text. Call it after an edit: once it is done, the next invocation gets the new code.',
  properties: {
    functionId: { type: 'string' },
    reload: { type: 'boolean', description: 'false tells how the code is, without loading it anew' },
  },
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  untrusted: false,
  async run({ parts, args }) {
    const wanted = textArgument(args, 'functionId')
    const functions = () =>
      parts.status().functions.filter(({ functionId }) => wanted === undefined || functionId === wanted)
    if (wanted !== undefined && functions().length === 0)
      throw new HttpProblem('NOT_FOUND', `Function '${wanted}' is not served, or was not asked for yet.`)
    let toLoad =
      args.reload === false
        ? []
        : functions().filter(({ state }) => state !== 'unbuilt' || wanted !== undefined)
    // Failed reloads are in the status. A watcher may have begun another build of the same code meanwhile.
    for (let round = 0; toLoad.length > 0 && round < MOST_ROUNDS; round++) {
      await Promise.allSettled(toLoad.map(({ functionId }) => parts.session.reload(functionId)))
      toLoad = functions().filter(({ state }) => state === 'building')
    }
    const errors = functions().flatMap(({ functionId, source, error }) =>
      error ? [{ functionId, source, ...shortened(error) }] : [],
    )
    return {
      ok: errors.length === 0,
      errors,
      functions: functions().map(({ functionId, state }) => ({ functionId, state })),
    }
  },
}

const readDocs: AgentTool = {
  name: 'read_docs',
  title: 'Read the documentation',
  description:
    'A page of the documentation that is installed with the package, or without a topic the list of pages.',
  properties: {
    topic: { type: 'string', description: "a page's name, such as going-live" },
    offset: { type: 'integer', minimum: 0 },
  },
  annotations: READ_ONLY,
  untrusted: false,
  async run({ args }) {
    const folder = packageFolder('docs')
    const names = (await readdir(folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => name.slice(0, -3))
    const topic = textArgument(args, 'topic')
    if (topic === undefined) return { topics: names.sort() }
    if (!names.includes(topic))
      throw new HttpProblem('NOT_FOUND', `There is no page '${topic}'; there are ${names.join(', ')}.`)
    const text = await readFile(join(folder, `${topic}.md`), 'utf8')
    const offset = numberArgument(args, 'offset', 0, text.length)
    const end = offset + PAGE_CHARACTERS
    return { topic, text: text.slice(offset, end), ...(end < text.length && { nextOffset: end }) }
  },
}

export const SESSION_TOOLS: readonly AgentTool[] = [status, buildErrors, readDocs]

/** Shortens an error: a builder may quote a whole file. */
function shortened(error: BuildProblem): BuildProblem {
  const { message, text } = error
  return {
    ...error,
    message: message.slice(0, MESSAGE_CHARACTERS),
    ...(text !== undefined && { text: text.slice(0, MESSAGE_CHARACTERS) }),
  }
}
