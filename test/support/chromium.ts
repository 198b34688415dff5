import { existsSync } from 'node:fs'
import { type Browser, chromium as engine } from 'playwright-core'

/** Where Debian's package puts it. */
const PATH = '/usr/bin/chromium'

/** Whether the browser is here: its tests skip by name without it, and fail where real servers are required. */
export const chromium: boolean = findChromium()

/** Starts a browser without a window. */
export function startChromium(): Promise<Browser> {
  return engine.launch({
    executablePath: PATH,
    // Root has no sandbox, and containers have a small /dev/shm.
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage', '--disable-gpu'],
  })
}

function findChromium(): boolean {
  if (process.env.WITHOUT_REAL_SERVERS === '1') return false
  const found = existsSync(PATH)
  if (!found && process.env.REQUIRE_REAL_SERVERS === '1')
    throw new Error(`REQUIRE_REAL_SERVERS is 1 and ${PATH} is missing.`)
  return found
}
