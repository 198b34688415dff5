/** The server refused a request, with its message. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** Reads JSON. @throws RequestError; the error of `fetch` when the host is gone or `signal` aborts */
export async function fetchJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return bodyOf<T>(await fetch(path, signal && { signal }))
}

/** Reads a text, such as a fixture. */
export async function fetchText(path: string): Promise<string> {
  const response = await fetch(path)
  if (!response.ok) await bodyOf(response)
  return response.text()
}

/** Posts JSON and reads the answer's JSON. */
export async function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return bodyOf<T>(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))
}

/** Such as `/api/invocations/ID/event`. */
export function invocationPath(id: string, rest = ''): string {
  return `/api/invocations/${encodeURIComponent(id)}${rest}`
}

async function bodyOf<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T
  throw new RequestError(response.status, messageOf(text) ?? `The host answered ${response.status}.`)
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message
  } catch {
    return undefined
  }
}
