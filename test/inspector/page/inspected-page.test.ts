import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import type { InvocationDetail } from '../../../src/inspector/api/detail.js'
import type { InvocationList } from '../../../src/inspector/api/list.js'
import type { ReplayReport } from '../../../src/inspector/api/replay.js'
import type { InspectorStatus } from '../../../src/inspector/api/status.js'
import type { Detail, HeadPage, ReplayAnswer, Status } from '../../../src/inspector/page/api/contract.js'
import { chromium, startChromium } from '../../support/chromium.js'
import { Inspected } from '../inspected.js'

/** Tells of the newest row when it is in the frame that comes. */
const TELL_DRAWN = `
  new MutationObserver(() => requestAnimationFrame(() => {
    const title = document.querySelector('.row .title')?.textContent
    if (title) window.drawn(title, performance.timeOrigin + performance.now())
  })).observe(document, { childList: true, subtree: true })
`

it('the types of the page match the server', () => {
  expectTypeOf<InspectorStatus>().toExtend<Status>()
  expectTypeOf<InvocationList>().toExtend<HeadPage>()
  expectTypeOf<InvocationDetail>().toExtend<Detail>()
  expectTypeOf<ReplayReport>().toExtend<ReplayAnswer>()
})

describe.skipIf(!chromium)('the page of a session, in Chromium', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const errors: string[] = []

  beforeAll(async () => {
    browser = await startChromium()
    context = await browser.newContext()
    page = await context.newPage()
    page.setDefaultTimeout(10_000)
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('dialog', (dialog) => errors.push(`A dialog opened: ${dialog.message()}`))
  })

  afterAll(() => browser?.close())

  const request = (rawPath: string, body = '') => ({
    version: '2.0',
    rawPath,
    headers: { authorization: 'Bearer abcdef0123456789' },
    requestContext: { http: { method: 'POST', path: rawPath } },
    body,
  })
  const shows = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const button = (name: string) => page.getByRole('button', { name, exact: true })

  it('shows an invocation as it arrives', async () => {
    await using inspected = await Inspected.start()
    await page.goto(inspected.inspector.url)
    await shows('Nothing has arrived yet')
    expect(page.url()).toBe(`http://127.0.0.1:${inspected.inspector.port}/`)
    let drawn: (title: string, at: number) => void = () => {}
    await page.exposeFunction('drawn', (title: string, at: number) => drawn(title, at))
    await page.evaluate(TELL_DRAWN)
    const delays: number[] = []
    for (let i = 0; i < 9; i++) {
      const drawnAt = new Promise<number>((resolve) => {
        drawn = (title, at) => title === `POST /${i}` && resolve(at)
      })
      let arrivedAt = 0
      const arrived = () => {
        arrivedAt = performance.timeOrigin + performance.now()
      }
      inspected.session.on('invoke', arrived)
      await inspected.invoke(request(`/${i}`))
      inspected.session.off('invoke', arrived)
      delays.push((await drawnAt) - arrivedAt)
    }
    await page.goto('about:blank')
    expect(delays.sort((a, b) => a - b)[4]).toBeLessThan(500)
    expect(errors.splice(0)).toEqual([])
  })

  it('replays an invocation on changed code, and an edited event', async () => {
    const events: unknown[] = []
    let price = 1
    await using inspected = await Inspected.start({}, (session) =>
      session.serve({
        functions: {
          api: async (event: unknown) => {
            events.push(event)
            return { statusCode: 200, body: JSON.stringify({ price }) }
          },
        },
      }),
    )
    await page.goto(inspected.inspector.url)
    await inspected.invoke(request('/price', '{"note":"<img src=x onerror=alert(1)>"}'))
    await page.locator('.row').click()
    await page.waitForURL('**/i/*')
    await shows('"<img src=x onerror=alert(1)>"')
    price = 2
    await button('Replay').click()
    await page.getByRole('row', { name: /price.* 1 2$/ }).waitFor()
    await button('Edit & replay').click()
    const area = page.getByRole('textbox', { name: 'Event' })
    const text = await area.inputValue()
    expect(text).not.toContain('abcdef0123456789')
    await area.fill(text.replace('"/price"', '"/other"'))
    await button('Replay this event').click()
    await shows('Open the replay')
    expect(events.at(-1)).toMatchObject({ rawPath: '/other', headers: request('').headers })
    // A search finds what is within: the replay alone has this path.
    await page.getByLabel('Search events and logs').fill('/other')
    await page.locator('.row').nth(1).waitFor({ state: 'detached' })
    await page.locator('.row .mark', { hasText: 'replayed' }).waitFor()
    await button('Show masked values (1)').click()
    await shows('"Bearer abcdef0123456789"')
    await page.goto('about:blank')
    expect(errors.splice(0)).toEqual([])
  })

  it('reloads a function, and asks the host why nothing arrives', async () => {
    const checks = [{ id: 'key', outcome: 'failed', seen: 'The stub has another key.', advice: 'Deploy it.' }]
    await using inspected = await Inspected.start({ diagnose: async () => ({ ok: false, checks }) })
    await page.goto(inspected.inspector.url)
    await button('Functions').click()
    await page.getByRole('region', { name: 'api' }).waitFor()
    await button('Reload').click()
    await shows('Reloaded')
    await button('Connection').click()
    await shows('memory: connected')
    await button('Why did nothing arrive?').click()
    await shows('The stub has another key.')
    await page.goto('about:blank')
    expect(errors.splice(0)).toEqual([])
  })

  it('continues after a restart of the host, once its new address was opened', async () => {
    const first = await Inspected.start()
    const { port } = first.inspector
    await page.goto(first.inspector.url)
    await first.invoke(request('/before'))
    await shows('POST /before')
    await first[Symbol.asyncDispose]()
    await shows('The host does not answer')
    await using second = await Inspected.start({ port })
    await shows('The host was started again, with another token')
    const other = await context.newPage()
    await other.goto(second.inspector.url)
    await other.close()
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await second.invoke(request('/after'))
    await shows('POST /after')
    await page.getByText('POST /before').waitFor({ state: 'detached' })
    await page.goto('about:blank')
    // Chromium's own lines for requests that failed.
    expect(errors.splice(0).filter((error) => !error.startsWith('Failed to load resource'))).toEqual([])
  })
})
