import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type HttpListener, listen } from '../../network/listener.js'
import { isOtherUser } from '../../network/peer-user.js'
import { RequestGuard } from './guard.js'
import { HttpProblem } from './http-problem.js'
import { type HttpReply, problem, sendReply } from './respond.js'

/** Answers an admitted request. @returns undefined if the route writes the answer itself, now or later */
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
  const others = new WeakMap<Socket, boolean>()
  const isOther = (socket: Socket) => {
    const known = others.get(socket) ?? isOtherUser(socket)
    others.set(socket, known)
    return known
  }
  const listener: HttpListener = await listen(
    (request, response) => void answer({ guard, route, isOther }, request, response),
    HOST,
    port,
    (_request, socket) => socket.destroy(),
  )
  const bound = Number(new URL(listener.url).port)
  guard = new RequestGuard(token, bound)
  return { origin: listener.url, port: bound, close: () => listener.close() }
}

interface Answering {
  readonly guard: RequestGuard
  readonly route: Route
  /** Whether another user of this machine has connected. */
  isOther(socket: Socket): boolean
}

async function answer(
  { guard, route, isOther }: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // Browsers send cookies to all ports of a host, so the server of another user on another port may know the token.
    if (isOther(request.socket))
      throw new HttpProblem('FORBIDDEN', 'This inspector answers its own user and root.')
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
  // `//evil.test` would be another host, also as the target of a redirect.
  if (!/^\/(?![/\\])/.test(url)) throw new HttpProblem('BAD_REQUEST', 'The address is no path.')
  try {
    return new URL(url, `http://${HOST}`)
  } catch {
    throw new HttpProblem('BAD_REQUEST', 'The address is no path.')
  }
}
