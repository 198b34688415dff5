import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Session } from '../../core/session/session.js'
import type { InvocationRecord } from '../../recorder/record.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import type { Feed } from '../view/feed.js'
import type { Heads } from '../view/head.js'
import type { ReplayReport } from './replay.js'
import type { InspectorStatus } from './status.js'
import type { ChangeStream } from './stream.js'

/** The parts shared by the HTTP API and the tools of agents. */
export interface InspectorParts {
  readonly session: Session
  readonly feed: Feed
  readonly heads: Heads
  readonly redactor: Redactor
  readonly stream: ChangeStream
  status(): InspectorStatus
  /** @throws HttpProblem, TetherError */
  replay(record: InvocationRecord, body: Readonly<Record<string, unknown>>): Promise<ReplayReport>
  /** @throws HttpProblem if the host gave no `diagnose` */
  diagnose(): Promise<unknown>
  /** Answers a request of the Model Context Protocol. */
  mcp(request: IncomingMessage, response: ServerResponse): Promise<undefined>
}
