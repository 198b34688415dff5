import type { IncomingMessage, ServerResponse } from 'node:http'
import { type HttpListener, listen } from '../../network/listener.js'
import { RequestGuard } from './guard.js'
import { HttpProblem } from './http-problem.js'
import { type HttpReply, problem, sendReply } from './respond.js'

/** Answers an admitted request. @returns undefined where it has answered, or does so later, by itself */
export type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<HttpReply | undefined> | HttpReply | undefined

/** An inspector's server, which is listening. */
export interface InspectorServer {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  readonly port: number
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/** @throws TetherError `UNREACHABLE` when the port is taken */
export async function startServer(port: number, token: string, route: Route): Promise<InspectorServer> {
  let guard: RequestGuard
  const listener: HttpListener = await listen(
    (request, response) => void answer(guard, route, request, response),
    HOST,
    port,
    (_request, socket) => socket.destroy(),
  )
  const bound = Number(new URL(listener.url).port)
  guard = new RequestGuard(token, bound)
  return { origin: listener.url, port: bound, close: () => listener.close() }
}

async function answer(
  guard: RequestGuard,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = urlOf(request)
    const admission = guard.admit(request, url)
    const reply =
      admission.kind === 'redirect'
        ? { status: 303, headers: { Location: admission.to, 'Set-Cookie': guard.cookie } }
        : await route(request, response, url)
    if (reply !== undefined) sendReply(response, reply)
  } catch (error) {
    const told = HttpProblem.of(error)
    if (!response.headersSent) return sendReply(response, problem(told))
    response.destroy()
  }
}

function urlOf({ url = '/' }: IncomingMessage): URL {
  // `//evil.test` would be another host, also where it is redirected to.
  if (!/^\/(?![/\\])/.test(url)) throw new HttpProblem('BAD_REQUEST', 'The address is no path.')
  try {
    return new URL(url, `http://${HOST}`)
  } catch {
    throw new HttpProblem('BAD_REQUEST', 'The address is no path.')
  }
}
