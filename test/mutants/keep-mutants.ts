import { TetherError } from '../../src/core/base/errors.js'
import type { Connection, Endpoint } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'
import { turns } from './turns.js'

const AFTERWARDS = 'what is kept reaches who watches afterwards, session or stub, byte for byte'
const EACH = 'who watches hears of each change'
const LAST = 'of what is kept only the last is there'
const APART = 'what is kept and what is sent never mix'
const NAMES = 'each name keeps its own, in its app and stage'
const REFUSED = 'keep() refuses a frame over limits.frameBytes with TOO_LARGE, and keeps what there was'
const GOODBYE = 'close() leaves what is kept as it is'
const NO_WILL = 'a broken connection without a will leaves what is kept as it is'

const NOTHING = new Uint8Array(0)

export const keepMutants: readonly TransportMutant[] = [
  {
    name: 'does not know how often it keeps',
    caughtBy: 'keeps.everyMs is usable',
    make: () => mutated({ properties: { keeps: { everyMs: Number.NaN } } }),
  },
  {
    name: 'tells what was kept before only to who was there',
    caughtBy: AFTERWARDS,
    make: () => {
      let latest = NOTHING
      return mutated({
        handlers: (handlers) => {
          const before = latest
          return {
            onKept: (frame, name) => (equal(frame, before) ? undefined : handlers.onKept?.(frame, name)),
          }
        },
        connection: (connection) => ({
          keep(frame) {
            latest = Uint8Array.from(frame)
            return connection.keep!(frame)
          },
        }),
      })
    },
  },
  {
    name: 'keeps text',
    caughtBy: AFTERWARDS,
    make: () => keeping(({ keep }, frame) => keep!(Buffer.from(Buffer.from(frame).toString()))),
  },
  {
    name: 'lets sessions watch, and no stub',
    caughtBy: AFTERWARDS,
    make: () => watching((watch, self) => (self.role === 'session' ? watch : undefined)),
  },
  {
    name: 'tells who watches once',
    caughtBy: EACH,
    make: () =>
      mutated({
        handlers(handlers) {
          let told = false
          return {
            onKept(frame, name) {
              if (!told) handlers.onKept?.(frame, name)
              told = true
            },
          }
        },
      }),
  },
  {
    name: 'tells who comes later of the first that was kept',
    caughtBy: LAST,
    make: () => telling(([first]) => (first === undefined ? [] : [first])),
  },
  {
    name: 'tells who comes later of all that ever was kept',
    caughtBy: LAST,
    make: () => telling((all) => all),
  },
  {
    name: 'gives what is kept to onFrame, too',
    caughtBy: APART,
    make: () =>
      mutated({
        handlers: (handlers) => ({
          onKept(frame, name) {
            handlers.onKept?.(frame, name)
            handlers.onFrame(frame)
          },
        }),
      }),
  },
  {
    name: 'gives what is sent to onKept, too',
    caughtBy: APART,
    make: () =>
      mutated({
        handlers: (handlers, { name }) => ({
          onFrame(frame) {
            handlers.onFrame(frame)
            handlers.onKept?.(frame, name)
          },
        }),
      }),
  },
  {
    name: 'tells all that is kept under one name',
    caughtBy: 'who watches several names hears each under its own',
    make: () => {
      let first: string | undefined
      return mutated({
        handlers: (handlers) => ({
          onKept(frame, name) {
            first ??= name
            handlers.onKept?.(frame, first)
          },
        }),
      })
    },
  },
  {
    name: 'tells who does not watch',
    caughtBy: 'who does not watch hears nothing of it',
    make: () => watching((watch, self) => watch ?? [{ ...self, role: 'session' }]),
  },
  {
    name: 'keeps one frame for all names',
    caughtBy: NAMES,
    make: () => {
      let first: Connection | undefined
      return keeping((connection, frame) => {
        first ??= connection
        return first.keep!(frame)
      })
    },
  },
  {
    name: 'watches names in small letters',
    caughtBy: NAMES,
    make: () => watching((watch) => watch?.map((one) => ({ ...one, name: one.name.toLowerCase() }))),
  },
  {
    name: 'forgets the stage that it watches',
    caughtBy: NAMES,
    make: () => watching((watch) => watch?.map((one) => ({ ...one, stage: 'dev' }))),
  },
  {
    name: 'watches no more when it serves other lanes',
    caughtBy: 'what is kept stays whatever lanes a connection serves, and so does watching',
    make: () => {
      let deaf = false
      return mutated({
        handlers: (handlers) => ({
          onKept: (frame, name) => (deaf ? undefined : handlers.onKept?.(frame, name)),
        }),
        connection: (connection) => ({
          serve(lanes) {
            deaf = true
            return connection.serve!(lanes)
          },
        }),
      })
    },
  },
  {
    name: 'copies what it keeps too late',
    caughtBy: 'a keeper may overwrite its bytes once keep() has resolved',
    make: () =>
      keeping(async (connection, frame) => {
        const late = turns(2).then(() => connection.keep!(frame))
        late.catch(() => {})
      }),
  },
  {
    name: 'keeps the beginning of what is too large',
    caughtBy: REFUSED,
    make: () => keeping((connection, frame) => connection.keep!(frame.subarray(0, 131_072))),
  },
  {
    name: 'empties what is kept when it refuses what is too large',
    caughtBy: REFUSED,
    make: () =>
      keeping(async (connection, frame) => {
        try {
          await connection.keep!(frame)
        } catch (error) {
          await connection.keep!(NOTHING)
          throw error
        }
      }),
  },
  {
    name: 'accepts what is to be kept after close()',
    caughtBy: 'keep() after close() rejects with CLOSED',
    make: () =>
      keeping(async (connection, frame) => {
        try {
          await connection.keep!(frame)
        } catch (error) {
          if (!(error instanceof TetherError) || error.code !== 'CLOSED') throw error
        }
      }),
  },
  {
    name: 'leaves its will at close(), too',
    caughtBy: GOODBYE,
    make: () => {
      let will: Uint8Array | undefined
      return mutated({
        connect: (connect) => (self, handlers, options) => {
          will ??= options?.will
          return connect(self, handlers, options)
        },
        connection: (connection) => ({
          async close() {
            if (will !== undefined) await connection.keep!(will).catch(() => {})
            await connection.close()
          },
        }),
      })
    },
  },
  {
    name: 'takes what is kept along at close()',
    caughtBy: GOODBYE,
    make: () =>
      mutated({
        connection: (connection, { role }) => ({
          async close() {
            if (role === 'session') await connection.keep!(NOTHING).catch(() => {})
            await connection.close()
          },
        }),
      }),
  },
  {
    name: 'has no will',
    caughtBy: 'a broken connection leaves its will, to be kept',
    make: () =>
      mutated({
        connect: (connect) => (self, handlers, options) => {
          const { will: _forgotten, ...others } = options ?? {}
          return connect(self, handlers, others)
        },
      }),
  },
  {
    name: 'keeps nothing longer than the connection lasts that kept it',
    caughtBy: NO_WILL,
    make: () =>
      mutated({
        connect: (connect) => async (self, handlers, options) => {
          const connection = await connect(self, handlers, options)
          void connection.closed.then(async (reason) => {
            if (reason === undefined || self.role === 'stub') return
            await using other = await connect(self, { onFrame() {} })
            await other.keep!(NOTHING)
          })
          return connection
        },
      }),
  },
]

function keeping(keep: (connection: Connection, frame: Uint8Array) => Promise<void>) {
  return mutated({ connection: (connection) => ({ keep: (frame) => keep(connection, frame) }) })
}

type Watch = readonly Endpoint[] | undefined

function watching(change: (watch: Watch, self: Endpoint) => Watch) {
  return mutated({
    connect: (connect) => (self, handlers, options) => {
      const { watch, ...others } = options ?? {}
      const changed = change(watch, self)
      return connect(self, handlers, { ...others, ...(changed !== undefined && { watch: changed }) })
    },
  })
}

/** Tells who connects, in place of what is kept then, some of all that has been kept by then. */
function telling(choose: (all: readonly Uint8Array[]) => readonly Uint8Array[]) {
  const all: Uint8Array[] = []
  return mutated({
    handlers(handlers) {
      let early: readonly Uint8Array[] | undefined = all.length > 0 ? choose([...all]) : undefined
      return {
        onKept(frame, name) {
          for (const one of early ?? [frame]) handlers.onKept?.(one, name)
          early = undefined
        },
      }
    },
    connection: (connection) => ({
      keep(frame) {
        all.push(Uint8Array.from(frame))
        return connection.keep!(frame)
      },
    }),
  })
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
