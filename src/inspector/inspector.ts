import { resolve } from 'node:path'
import { systemClock } from '../core/base/clock.js'
import { withMethods } from '../core/base/option-checks.js'
import type { Invocation } from '../core/session/invocation.js'
import type { Session } from '../core/session/session.js'
import { Recorder, record } from '../recorder/recorder.js'
import type { InspectorParts } from './api/parts.js'
import { replayOf } from './api/replay.js'
import { routesOf } from './api/routes.js'
import { statusOf } from './api/status.js'
import { ChangeStream } from './api/stream.js'
import { writeDiscovery } from './discovery/file.js'
import { AgentEndpoint } from './mcp/handler.js'
import { checkInspectOptions, type InspectOptions } from './options.js'
import { HttpProblem } from './server/http-problem.js'
import { startServer } from './server/server.js'
import { newToken } from './server/token.js'
import { Feed } from './view/feed.js'
import { Heads } from './view/head.js'

/** A session's inspector, which is listening. */
export interface Inspector extends AsyncDisposable {
  /** The page, with the token of this start: print it for the developer, and keep it out of logs that others read. */
  readonly url: string
  readonly port: number
  /** The address of an invocation on the page. It has no token: a browser that has opened `url` knows it. */
  link(invocation: Pick<Invocation, 'id'>): string
  /**
   * Ends every connection and removes the file by which tools find it. Idempotent, and called when the session closes.
   */
  close(): Promise<void>
}

/**
 * Serves a page and an API of a session on 127.0.0.1, to see its invocations, functions and connection and to act on
 * them. Call it before `session.open()`.
 * @throws TetherError `INVALID_OPTION`; `UNREACHABLE` when the port is taken; `UNSUPPORTED` if the file by which tools
 * find it cannot be written safely
 */
export async function inspect(session: Session, options: InspectOptions = {}): Promise<Inspector> {
  withMethods('a session', 'on', 'off', 'next')('session', session)
  const {
    port = 0,
    history,
    remoteReplay = false,
    diagnose,
    folder = '.',
    clock = systemClock,
  } = checkInspectOptions(options)
  const recorder = history ?? record(session, { clock })
  const redactor = Recorder.redactorOf(recorder)
  const feed = new Feed(session, recorder, clock)
  const heads = new Heads(redactor, feed.streams)
  const status = () => statusOf(session, feed, { remoteReplay, diagnose: diagnose !== undefined })
  const stream = new ChangeStream({ feed, heads, redactor, clock, status })
  const agents = new AgentEndpoint(clock)
  const parts: InspectorParts = {
    session,
    feed,
    heads,
    redactor,
    stream,
    status,
    replay: (of, body) => replayOf({ session, redactor, remoteReplay }, of, body),
    async diagnose() {
      if (diagnose !== undefined) return diagnose()
      throw new HttpProblem('NOT_FOUND', 'The host gave inspect() no diagnose.')
    },
    mcp: (request, response) => agents.answer(parts, request, response),
  }
  // The session may close while the server starts.
  let hasClosed = false
  const noteClose = () => {
    hasClosed = true
  }
  session.on('close', noteClose)
  const end = async () => {
    session.off('close', noteClose)
    stream[Symbol.dispose]()
    feed[Symbol.dispose]()
    if (history === undefined) await recorder.close()
  }
  const token = newToken()
  const server = await startServer(port, token, routesOf(parts)).catch(async (error) => {
    await end()
    throw error
  })
  const discovery = { url: server.origin, token, pid: process.pid, folder: resolve(folder) }
  const removeFile = await writeDiscovery(discovery).catch(async (error) => {
    await Promise.all([end(), server.close()])
    throw error
  })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      session.off('close', close)
      await Promise.all([end(), server.close(), removeFile()])
    })()
    return closing
  }
  session.on('close', close)
  if (hasClosed) await close()
  return {
    url: `${server.origin}/?token=${token}`,
    port: server.port,
    link: ({ id }) => `${server.origin}/i/${id}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}
