import type { Endpoint } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'

const STUB_LETTERS = "a stub's name may be any of 22 characters of base64url"
const SESSION_SYNTAX = "a session's name may be a broker's own syntax"
const RUN_TOGETHER = 'neighbouring parts never run together'

export const addressingMutants: readonly TransportMutant[] = [
  {
    name: 'forgets the app',
    caughtBy: 'app keeps endpoints apart',
    make: () => addressing(() => ({ app: 'app' })),
  },
  {
    name: 'forgets the stage',
    caughtBy: 'stage keeps endpoints apart',
    make: () => addressing(() => ({ stage: 'stage' })),
  },
  {
    name: 'forgets the role',
    caughtBy: 'role keeps endpoints apart',
    make: () => addressing(() => ({ role: 'stub' })),
  },
  {
    name: 'forgets the name of a session',
    caughtBy: 'name keeps endpoints apart',
    make: () => addressing(({ role, name }) => ({ name: role === 'session' ? 'session' : name })),
  },
  ...(['/', '.', ''] as const).map(
    (separator): TransportMutant => ({
      name: `joins stage and name with '${separator}'`,
      caughtBy: RUN_TOGETHER,
      make: () => addressing(({ stage, name }) => ({ stage: 'stage', name: `${stage}${separator}${name}` })),
    }),
  ),
  {
    name: 'subscribes to + and # as they are',
    caughtBy: SESSION_SYNTAX,
    make: () => wildcard(),
  },
  {
    name: 'takes capitals for small letters',
    caughtBy: STUB_LETTERS,
    make: () => addressing(({ name }) => ({ name: name.toLowerCase() })),
  },
  {
    name: 'normalises Unicode',
    caughtBy: SESSION_SYNTAX,
    make: () => addressing(({ name }) => ({ name: name.normalize('NFC') })),
  },
  {
    name: 'replaces what its broker does not allow by _',
    caughtBy: SESSION_SYNTAX,
    make: () => addressing(({ name }) => ({ name: name.replaceAll(/[^A-Za-z0-9.%$ ]/g, '_') })),
  },
  {
    name: 'loses names that look like its own topics',
    caughtBy: SESSION_SYNTAX,
    make: () =>
      mutated({
        connection: (connection) => ({
          send: async (to, frame, options) =>
            to.name.startsWith('$') ? undefined : connection.send(to, frame, options),
        }),
      }),
  },
  {
    name: 'keeps 64 letters of a name',
    caughtBy: 'parts may be as long as allowed, in letters of any kind',
    make: () => addressing(({ name }) => ({ name: name.slice(0, 64) })),
  },
  {
    name: 'keeps the last 64 letters of a name',
    caughtBy: 'parts may be as long as allowed, in letters of any kind',
    make: () => addressing(({ name }) => ({ name: name.slice(-64) })),
  },
]

function addressing(change: (endpoint: Endpoint) => Partial<Endpoint>) {
  return mutated({ endpoint: (endpoint) => ({ ...endpoint, ...change(endpoint) }) })
}

/** Frames to any session also reach the sessions whose name is a wildcard. */
function wildcard() {
  return mutated({
    connection: (connection) => ({
      async send(to, frame, options) {
        await connection.send(to, frame, options)
        if (to.role !== 'session' || options?.signal?.aborted) return
        for (const name of ['+', '#']) await connection.send({ ...to, name }, frame, options)
      },
    }),
  })
}
