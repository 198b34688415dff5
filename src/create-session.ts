import { invokeRemotely } from './aws/remote-invocation.js'
import type { SessionOptions } from './core/session/options.js'
import { Session } from './core/session/session.js'
import { inline } from './executors/inline.js'
import { sourceOf } from './sources/spec.js'

/**
 * Creates a session: the developer's side of live invocations.
 *
 * A path such as `./src/api.ts#handler` is relative to the working directory; TypeScript is built with esbuild,
 * JavaScript runs as it is.
 * @throws TetherError `INVALID_OPTION`; `TOO_LARGE` for a `take` that is larger than a card
 */
export function createSession(options: SessionOptions): Session {
  const told = new Set<string>()
  return new Session(options, {
    sourceOf: (target, build, taskRoot) => sourceOf(target, { cwd: process.cwd(), build, taskRoot, told }),
    inline: () => inline(),
    invokeRemotely,
  })
}
