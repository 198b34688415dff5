// The speed of the inspector's page in Chromium with 10,000 invocations in its list, while 50 a second arrive: first
// with the newest in view (`live`), then while a user scrolls (`read`). `within50` is the share of frames that took at
// most 50 ms; 0.95 is the aim. `arrivalP50Ms` is the time from an arrival in the session to the frame that shows it;
// 100 is the aim. The session and its stub are a process of their own. Options: --rows N (default 10,000), --seconds N
// (of each part, default 10).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startChromium } from './browser/chromium.js'
import { startProcess } from './process/start.js'
import { quantile } from './statistics/quantile.js'

const PER_SECOND = 50
const FRAME_MS = 50

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { rows: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '10' } },
  })
  const rows = Number(values.rows)
  const folder = await mkdtemp(join(tmpdir(), 'tether-page-'))
  const session = startProcess(new URL('./inspector/session-process.js', import.meta.url), {
    XDG_RUNTIME_DIR: folder,
    BENCH_FOLDER: folder,
  })
  const browser = await startChromium()
  try {
    const { url } = await session.message('ready')
    const round = async (message) => {
      const done = session.message('round')
      session.send({ type: 'round', ...message })
      return (await done).arrivals
    }
    await round({ count: rows })
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    const openedAt = performance.now()
    await page.goto(url)
    await page.locator(`.rows[style*="${rows * 30}px"]`).waitFor({ state: 'attached' })
    const openedMs = performance.now() - openedAt
    const arriving = { count: PER_SECOND * Number(values.seconds), everyMs: 1_000 / PER_SECOND }
    const live = await measured(page, false, () => round(arriving))
    const read = await measured(page, true, () => round(arriving))
    return { rows, openedMs: Math.round(openedMs), live, read }
  } finally {
    await browser.close()
    await session.end()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measured(page, scrolls, during) {
  await page.evaluate(watch, scrolls)
  const arrivals = await during()
  const { frames, drawn } = await page.evaluate('window.measured()')
  const delays = arrivals.flatMap(([id, at]) => (drawn[id] === undefined ? [] : [drawn[id] - at]))
  return {
    frames: frames.length,
    within50: round(frames.filter((ms) => ms <= FRAME_MS).length / frames.length),
    frameP95Ms: round(quantile(frames, 0.95)),
    // Invocations that arrive while the user scrolls have to wait, so they are left out.
    ...(!scrolls && {
      arrivalP50Ms: round(quantile(delays, 0.5)),
      arrivalP95Ms: round(quantile(delays, 0.95)),
    }),
  }
}

/** Runs in the page. */
function watch(scrolls) {
  const { document, requestAnimationFrame } = globalThis
  const list = document.querySelector('.scroller')
  const frames = []
  const drawn = {}
  let running = true
  let last = performance.now()
  const frame = () => {
    const now = performance.now()
    frames.push(now - last)
    last = now
    for (const { dataset } of list.querySelectorAll('.row'))
      drawn[dataset.id] ??= performance.timeOrigin + now
    if (scrolls) list.scrollTop += 40
    if (running) requestAnimationFrame(frame)
  }
  // At its first frame, everything in the list counts as drawn.
  requestAnimationFrame(frame)
  globalThis.measured = () => {
    running = false
    return { frames, drawn }
  }
}

const round = (value) => Math.round(value * 100) / 100
