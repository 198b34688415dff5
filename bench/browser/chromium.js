import { chromium } from 'playwright-core'

/** Starts Debian's Chromium without a window. */
export function startChromium() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Root has no sandbox, and containers have a small /dev/shm.
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage', '--disable-gpu'],
  })
}
