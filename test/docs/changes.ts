/** Text of a file that must occur once, and its replacement. */
export type Edit = readonly [before: string, after: string]

/** A likely change, as small as it can be and still compile. */
export interface Change {
  /** As in the table of docs/architecture.md. */
  readonly name: string
  /** New files, by path from the repository's root. */
  readonly added: Readonly<Record<string, string>>
  /** Edits of files that exist, by path. */
  readonly edited: Readonly<Record<string, readonly Edit[]>>
  /** Pages that describe it. */
  readonly pages: readonly string[]
}

/** An exported function without options is listed there. */
const listed = (name: string): Record<string, readonly Edit[]> => ({
  'test/package/options.test.ts': [[`  '.#generateKey',`, `  '${name}',\n  '.#generateKey',`]],
})

const subpath = (name: string, after: string): Record<string, readonly Edit[]> => ({
  ...listed(`./${name}#${name.split('/')[1]}`),
  'typedoc.json': [[`    "src/${after}.ts",`, `    "src/${name}.ts",\n    "src/${after}.ts",`]],
  'package.json': [
    [
      `    "./${after}": {`,
      `    "./${name}": {\n      "types": "./dist/${name}.d.ts",\n      "default": "./dist/${name}.js"\n    },\n    "./${after}": {`,
    ],
  ],
  'tsup.config.ts': [
    [
      `    '${after}': 'src/${after}.ts',`,
      `    '${name}': 'src/${name}.ts',\n    '${after}': 'src/${after}.ts',`,
    ],
  ],
})

export const CHANGES: readonly Change[] = [
  {
    name: 'a transport',
    added: {
      'src/transports/loopback.ts': `import { type MemoryTransport, memory } from './memory.js'

export function loopback(): MemoryTransport {
  return { ...memory(), name: 'loopback' }
}
`,
      'test/transports/loopback.test.ts': `import { test } from 'vitest'
import { transportConformance } from '../../src/testing/index.js'
import { loopback } from '../../src/transports/loopback.js'

transportConformance({
  test,
  factory() {
    const transport = loopback()
    return { transport, cut: () => transport.cut(), close() {} }
  },
})
`,
    },
    edited: subpath('transports/loopback', 'transports/memory'),
    pages: ['docs/transports.md'],
  },
  {
    name: 'an executor',
    added: {
      'src/executors/echo.ts': `import type { Executor } from '../core/contracts/executor.js'

export function echo(): Executor {
  return {
    name: 'echo',
    execute: async ({ event }) => ({ kind: 'value', body: event }),
    reload: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}
`,
      'test/executors/echo.test.ts': `import { test } from 'vitest'
import { echo } from '../../src/executors/index.js'
import { executorConformance } from '../../src/testing/index.js'

executorConformance({ test, factory: () => ({ executor: echo() }) })
`,
    },
    edited: {
      ...listed('./executors#echo'),
      'src/executors/index.ts': [
        [
          `export { type InlineOptions, inline } from './inline.js'`,
          `export { echo } from './echo.js'\nexport { type InlineOptions, inline } from './inline.js'`,
        ],
      ],
    },
    pages: ['docs/executors.md'],
  },
  {
    name: 'a payload store',
    added: {
      'src/stores/shared.ts': `import type { PayloadStore } from '../core/contracts/payload-store.js'
import { memoryStore } from './memory.js'

export function shared(): PayloadStore {
  return memoryStore()
}
`,
      'test/stores/shared.test.ts': `import { test } from 'vitest'
import { shared } from '../../src/stores/shared.js'
import { payloadStoreConformance } from '../../src/testing/index.js'

payloadStoreConformance({ test, factory: () => ({ store: shared(), close() {} }) })
`,
    },
    edited: subpath('stores/shared', 'stores/memory'),
    pages: ['docs/payloads.md'],
  },
  {
    name: 'a function source',
    added: {
      'src/sources/text.ts': `import type { FunctionSource } from '../core/contracts/function-source.js'

export function text(answer: string): FunctionSource {
  return { load: async () => ({ kind: 'module', load: async () => async () => answer }) }
}
`,
      'test/sources/text.test.ts': `import { text } from '../../src/sources/text.js'
import { expect, test } from 'vitest'

test('text() loads', async () => {
  expect(await text('hello').load()).toMatchObject({ kind: 'module' })
})
`,
    },
    edited: subpath('sources/text', 'sources/file'),
    pages: ['docs/sources.md'],
  },
  {
    name: 'an option of `createSession`',
    added: {},
    edited: {
      'src/core/session/options.ts': [
        [`import { checkClock, listOf,`, `import { checkClock, checkText, listOf,`],
        [
          `  readonly maxKeptBytes?: number | undefined\n`,
          `  readonly maxKeptBytes?: number | undefined\n  readonly label?: string | undefined\n`,
        ],
        [
          `    onConflict: oneOf('warn', 'refuse'),`,
          `    onConflict: oneOf('warn', 'refuse'),\n    label: checkText,`,
        ],
      ],
      'src/core/session/session.ts': [
        [
          `  #take: Take | undefined\n`,
          `  #take: Take | undefined\n  readonly labelOf = ({ label = '' }: SessionOptions): string => label\n`,
        ],
      ],
    },
    pages: ['docs/session.md'],
  },
  {
    name: 'an event of the session',
    added: {},
    edited: {
      'src/core/session/events.ts': [
        [
          `  close: (at: EventTime) => void\n`,
          `  close: (at: EventTime) => void\n  opening: (at: EventTime) => void\n`,
        ],
        [`  'close',\n] satisfies`, `  'close',\n  'opening',\n] satisfies`],
      ],
      'src/core/session/emitter.ts': [
        [`| 'status' | 'discard' | 'close'\n`, `| 'status' | 'discard' | 'close' | 'opening'\n`],
      ],
      'src/core/session/session.ts': [
        [
          `    this.#emitter.opened()\n`,
          `    this.#emitter.opened()\n    this.#emitter.emitNow('opening')\n`,
        ],
      ],
    },
    pages: ['docs/session.md'],
  },
  {
    name: 'a message of the protocol',
    added: {},
    edited: {
      'src/core/wire/protocol.ts': [
        [`export type StubMessage = InvokeMessage`, `export type StubMessage = HurryMessage | InvokeMessage`],
        [
          `interface FromSession {`,
          `export interface HurryMessage {
  readonly type: 'hurry'
  readonly id: string
  readonly withinMs: number
  readonly settled: readonly string[]
  readonly epoch: number
}

interface FromSession {`,
        ],
      ],
      'src/core/wire/message-shapes.ts': [
        [
          `    presign: { bytes: amount },`,
          `    presign: { bytes: amount },\n    hurry: { withinMs: amount },`,
        ],
      ],
      'src/core/session/dispatcher.ts': [
        [
          `    if (message.type === 'credit')`,
          `    if (message.type === 'hurry') return this.desk.say(from, { type: 'ack', id })\n    if (message.type === 'credit')`,
        ],
      ],
      'src/core/caller/session-line.ts': [
        [
          `    return this.#send(peer, { type: 'ask', id, nonce, boundTo: peer.heard, sent, missing })\n  }\n`,
          `    return this.#send(peer, { type: 'ask', id, nonce, boundTo: peer.heard, sent, missing })
  }

  hurry(peer: NamedSession, id: string, withinMs: number): Promise<Sent> {
    return this.#send(peer, { type: 'hurry', id, withinMs })
  }
`,
        ],
      ],
    },
    pages: ['docs/protocol.md'],
  },
  {
    name: 'an error code',
    added: {},
    edited: {
      'src/core/base/errors.ts': [[`  | 'PROTOCOL'\n`, `  | 'PROTOCOL'\n  | 'QUOTA'\n`]],
    },
    pages: ['docs/errors.md'],
  },
  {
    name: 'a check of `diagnose`',
    added: {
      'src/diagnose/traffic-check.ts': `import type { Finding } from '../core/contracts/diagnosis.js'
import type { SessionStats } from '../core/session/stats.js'

export function trafficFinding({ invocations }: SessionStats): Finding {
  return { outcome: 'ok', seen: \`\${invocations.declined} invocations were declined.\` }
}
`,
    },
    edited: {
      'src/diagnose/diagnose.ts': [
        [
          `import { teamFinding } from './team-check.js'\n`,
          `import { teamFinding } from './team-check.js'\nimport { trafficFinding } from './traffic-check.js'\n`,
        ],
        [
          `  const team = options.session?.team?.() ?? []\n`,
          `  if (options.session !== undefined) run.tell('traffic', trafficFinding(options.session.stats()))\n  const team = options.session?.team?.() ?? []\n`,
        ],
      ],
    },
    pages: ['docs/diagnose.md'],
  },
  {
    name: "a tool of the inspector's agents",
    added: {},
    edited: {
      'test/inspector/mcp.test.ts': [
        [`  'status',\n  'wait_for_invocation',`, `  'status',\n  'team',\n  'wait_for_invocation',`],
      ],
      'src/inspector/mcp/session-tools.ts': [
        [
          `export const SESSION_TOOLS: readonly AgentTool[] = [status,`,
          `const team: AgentTool = {
  name: 'team',
  title: 'The team',
  description: 'The sessions that share the stage.',
  properties: {},
  annotations: READ_ONLY,
  untrusted: true,
  run: ({ parts }) => ({ state: parts.status().functions.length }),
}

export const SESSION_TOOLS: readonly AgentTool[] = [team, status,`,
        ],
      ],
    },
    pages: ['docs/inspector.md'],
  },
]
