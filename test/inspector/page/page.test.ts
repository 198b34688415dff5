import { source } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/core/base/deferred.js'
import { chromium, startChromium } from '../../support/chromium.js'
import { detailOf, headOf, idleStatus, PageHost } from './page-host.js'

/** What of an element a test reads in the page. */
interface Row {
  readonly dataset: { readonly id: string }
}

describe.skipIf(!chromium)('the page, in Chromium', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let host: PageHost
  let url: string
  let errors: string[]

  // One page for all: a new one for each would cost more than everything else.
  beforeAll(async () => {
    browser = await startChromium()
    context = await browser.newContext({ viewport: { width: 1280, height: 720 } })
    page = await context.newPage()
    page.setDefaultTimeout(10_000)
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('dialog', (dialog) => errors.push(`A dialog opened: ${dialog.message()}`))
  })

  afterAll(() => browser?.close())

  beforeEach(async () => {
    host = new PageHost()
    url = await host.start()
    errors = []
  })

  afterEach(async () => {
    // Before its host is gone, or it would look for it.
    await page.goto('about:blank')
    await host[Symbol.asyncDispose]()
    expect(errors).toEqual([])
  })

  const rows = () => page.locator('.row')
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  /** Waits for what the page shows, on its own frames. */
  const shows = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const open = async (path = '') => {
    await page.goto(`${url}${path}`)
    await shows('shop · dev')
  }

  it('explains how to invoke while the list is empty', async () => {
    await open()
    await shows('Nothing has arrived yet')
    await shows(/aws lambda invoke --function-name api/)
    host.arrive(detailOf(headOf('first')))
    await page.getByText('Nothing has arrived yet').waitFor({ state: 'detached' })
    await page.locator('[data-id=first]').waitFor()
  })

  it('shows event, response, logs, timing and context of one invocation on one screen', async () => {
    host.add(detailOf(headOf('a')))
    host.revealed.set('a', { rawPath: '/things', headers: { authorization: 'Bearer secret' } })
    await open()
    await rows().first().click()
    await page.waitForURL('**/i/a')
    for (const name of ['Event', 'Response', 'Logs', 'Timing', 'Context'])
      await page.getByRole('region', { name }).waitFor()
    await shows('"[redacted:1]"')
    await shows('"price":')
    expect(await page.locator('.line .a-1').textContent()).toBe('1')
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe(
      'arrived at 0.0 ms, waited 2 ms, ran 9 ms, answered at 12 ms',
    )
    await shows(/TABLE/)
    await button('Show masked values (1)').click()
    await shows('"Bearer secret"')
  })

  it('updates an open invocation', async () => {
    const running = headOf('a', { state: 'running' })
    host.add(detailOf(running, { outcome: undefined as never, logs: [] }))
    await open('i/a')
    await shows('It has not ended.')
    host.details.set('a', detailOf(running, { outcome: undefined as never }))
    host.tell('log', { id: 'a' })
    await shows('price is')
    const error = {
      errorType: 'TypeError',
      errorMessage: 'no such thing',
      trace: ['TypeError: no such thing', '  at api.ts:3'],
    }
    host.arrive(
      detailOf(headOf('a', { state: 'error', errorType: 'TypeError' }), {
        outcome: { kind: 'error', error },
      }),
    )
    await shows(/at api\.ts:3/)
    expect(await rows().first().textContent()).toContain('TypeError')
  })

  it('shows a response as it streams, as text, with the times of its chunks', async () => {
    const running = headOf('a', { state: 'running', streamedBytes: 24 })
    const streamed = (text: string, chunks: readonly { atMs: number; bytes: number }[]) =>
      detailOf(running, {
        outcome: undefined as never,
        stream: { contentType: 'text/event-stream', bytes: 24, text, chunks },
        timing: [
          { name: 'firstByte', startMs: 20, endMs: 20 },
          { name: 'streamed', startMs: 20, endMs: 320 },
        ],
      })
    host.add(streamed('data: <b id="made">1</b>', [{ atMs: 20, bytes: 24 }]))
    await open('i/a')
    await shows('24 B of text/event-stream streamed so far')
    await shows('data: <b id="made">1</b>')
    expect(await rows().first().textContent()).toContain('streaming')
    host.arrive(
      streamed('data: <b id="made">1</b> data: 2', [
        { atMs: 20, bytes: 24 },
        { atMs: 320, bytes: 8 },
      ]),
    )
    await shows(/data: 2$/)
    await page.getByText('2 chunks').click()
    await shows('8 B at 320 ms')
    expect(await page.locator('#made').count()).toBe(0)
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe(
      'first byte at 0.0 ms, streamed 300 ms',
    )
  })

  it('shows the members of the team, their takes and overlaps', async () => {
    const since = new Date().toISOString()
    const alice = { name: 'alice', state: 'online', since, own: true, overlaps: 0 }
    await open('?')
    await button('Connection').click()
    await shows('Nothing that arrived was dropped.')
    expect(await page.getByRole('region', { name: 'Team' }).count()).toBe(0)
    const take = { functions: ['api'], marker: 'bob' }
    host.status = {
      ...idleStatus,
      team: [alice, { name: 'bob', state: 'online', since, own: false, take, overlaps: 4 }],
      stats: {
        ...idleStatus.stats,
        invocations: { ...idleStatus.stats.invocations, overlaps: 4, declined: 2 },
      },
    }
    host.tell('status')
    const team = page.getByRole('region', { name: 'Team' })
    await team.getByText(/4 matched another's card as well, and it declined 2\./).waitFor()
    await team.getByText(/^alice \(this session\) is online since .*, takes everything$/).waitFor()
    await team
      .getByText(/^bob is online since .*, takes functions \["api"\], marker "bob", and would have taken 4 /)
      .waitFor()
  })

  it('shows an invocation that prints all the time, however long it takes to read', async () => {
    const running = headOf('a', { state: 'running' })
    host.add(detailOf(running, { logs: [] }))
    await open('i/a')
    await shows('Nothing was written.')
    const answers = deferred()
    const { begun, abandoned } = host.reads
    host.answers = answers.promise
    host.add(detailOf(running, { logs: [{ atMs: 1, stream: 'stdout', text: 'line 1' }] }))
    host.tell('log', { id: 'a' })
    await expect.poll(() => host.reads.begun, { timeout: 10_000 }).toBe(begun + 1)
    host.tell('log', { id: 'a' })
    host.tell('status', { ...idleStatus, session: { ...idleStatus.session, app: 'told' } })
    await shows('told · dev')
    // Later than what the page would do of itself, by its own clock.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 150))')
    expect(host.reads).toEqual({ begun: begun + 1, abandoned })
    answers.resolve()
    await shows('line 1')
    await expect.poll(() => host.reads.begun, { timeout: 10_000 }).toBe(begun + 2)
  })

  it('filters by function, kind and text', async () => {
    host.add(
      detailOf(headOf('ok')),
      detailOf(headOf('bad', { state: 'error', errorType: 'E' })),
      // The session answers it by session.next(), and serves no such function.
      detailOf(headOf('slow', { durationMs: 2_000, functionId: 'taken' })),
      detailOf(headOf('copy', { mirrored: 'event' }), { event: { needle: 'x' } }),
    )
    await open()
    const ids = async () => rows().evaluateAll((rows: Row[]) => rows.map(({ dataset }) => dataset.id))
    await rows().nth(3).waitFor()
    expect(await ids()).toEqual(['copy', 'slow', 'bad', 'ok'])
    await button('failed').click()
    await rows().nth(1).waitFor({ state: 'detached' })
    expect(await ids()).toEqual(['bad'])
    await button('slow (1 s)').click()
    await rows().nth(1).waitFor()
    expect(await ids()).toEqual(['slow', 'bad'])
    await button('Show all').click()
    await page.getByLabel('Function').selectOption('taken')
    await rows().nth(1).waitFor({ state: 'detached' })
    expect(await ids()).toEqual(['slow'])
    await button('Show all').click()
    await rows().nth(3).waitFor()
    await page.getByLabel('Search events and logs').fill('needle')
    await page.locator('[data-id=copy]').waitFor()
    await rows().nth(1).waitFor({ state: 'detached' })
    // What arrives later is searched, too.
    host.arrive(detailOf(headOf('later'), { event: { needle: 'y' } }), detailOf(headOf('other')))
    await page.locator('[data-id=later]').waitFor()
    expect(await ids()).toEqual(['later', 'copy'])
    await page.getByLabel('Search events and logs').fill('nowhere')
    await shows('None of 6 invocations matches the filter.')
  })

  it('replays, and shows the difference to the recording', async () => {
    host.add(detailOf(headOf('a')))
    host.replay = {
      outcome: { kind: 'value', value: { statusCode: 200, body: '{"price":2}' } },
      diff: {
        equal: false,
        text: '',
        changes: [{ path: '/body/price', kind: 'changed', before: 1, after: 2 }],
      },
    }
    await open('i/a')
    await button('Replay').click()
    const change = page.getByRole('row', { name: '/body/price 1 2' })
    await change.waitFor()
    host.replay = { ...host.replay, diff: { equal: true, text: '', changes: [] } }
    await button('Replay').click()
    await shows('The answer is the same as the recorded one.')
    expect(host.posted).toEqual(Array(2).fill({ path: '/api/invocations/a/replay', body: {} }))
  })

  it('replays an edited event, and locates invalid JSON', async () => {
    host.add(detailOf(headOf('a')))
    host.replay = { outcome: { kind: 'value', value: 'fine' }, diff: { equal: true, text: '', changes: [] } }
    await open('i/a')
    await button('Edit & replay').click()
    const area = page.getByRole('textbox', { name: 'Event' })
    await area.fill('{\n  "rawPath": "/other",\n}')
    await shows('Line 3, column 1: expected a key in double quotes, found }')
    expect(await button('Replay this event').isDisabled()).toBe(true)
    await area.fill('{"rawPath":"/other","headers":{"authorization":"[redacted:1]"}}')
    await button('Replay this event').click()
    await shows('The answer is the same as the recorded one.')
    expect(host.posted.at(-1)?.body).toEqual({
      as: 'local',
      event: { rawPath: '/other', headers: { authorization: '[redacted:1]' } },
    })
  })

  it('copies the event, a fixture and a command', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    host.add(detailOf(headOf('a'), { event: { name: "it's" }, eventPointers: [] }))
    await open('i/a')
    const copied = async () => page.evaluate('navigator.clipboard.readText()')
    await button('Copy event').click()
    await shows('Event copied')
    expect(await copied()).toBe('{\n  "name": "it\'s"\n}')
    await button('Copy fixture').click()
    await shows('Fixture copied')
    expect(await copied()).toBe('{"fixture":"a"}')
    await button('Copy aws lambda invoke').click()
    await shows('Command copied')
    expect(await copied()).toBe(
      `aws lambda invoke --function-name shop-api --cli-binary-format raw-in-base64-out --payload '{"name":"it'\\''s"}' /dev/stdout`,
    )
  })

  it('shows failed builds, a displaced session, discards, and why nothing arrived', async () => {
    await open()
    const error = { message: 'Expected ";"', file: '/app/api.ts', line: 3, column: 7, text: 'const a b' }
    host.status = {
      ...idleStatus,
      displaced: true,
      displacedBy: { id: 'session-of-anna', openedAt: '2026-11-30T10:00:00Z' },
      lanes: [8, 8],
      functions: [{ ...idleStatus.functions[0]!, state: 'failed', error }],
      discards: [{ reason: 'key', message: 'Of api.', count: 4, lastAt: '2026-11-30T10:00:00Z' }],
    }
    host.tell('status')
    await shows('api does not build.')
    await shows('/app/api.ts:3:7')
    await shows(/The name was taken by another session \(session-of-anna\)/)
    await button('Functions').click()
    await shows('failed')
    await shows(/Attach to 127\.0\.0\.1:9230/)
    await button('Reload').click()
    await shows('Reloaded')
    expect(host.posted).toEqual([{ path: '/api/functions/api/reload', body: {} }])
    await button('Connection').click()
    await shows(/taken by another session \(session-of-anna\)/)
    await shows('8 + 8, by connection')
    await shows(/4 × Sealed with a key that this session does not have/)
    await shows(/\$0\.000012, as estimated/)
    host.diagnosis = {
      ok: false,
      checks: [
        { id: 'resolve', outcome: 'passed', seen: 'The broker has an address.' },
        { id: 'key', outcome: 'failed', seen: 'The stub has another key.', advice: 'Deploy it again.' },
      ],
    }
    await button('Why did nothing arrive?').click()
    await shows('The stub has another key.')
    await shows('Deploy it again.')
    host.status = idleStatus
    host.tell('status')
    await page.getByText('api does not build.').waitFor({ state: 'detached' })
  })

  it('is used by keys', async () => {
    host.add(
      ...['c', 'b', 'a'].map((id) =>
        detailOf(headOf(id, { at: `2026-11-30T10:00:0${id === 'a' ? 2 : id === 'b' ? 1 : 0}Z` })),
      ),
    )
    host.replay = { outcome: { kind: 'value', value: 1 }, diff: { equal: true, text: '', changes: [] } }
    await open()
    await rows().nth(2).waitFor()
    await page.keyboard.press('j')
    await page.waitForURL('**/i/a')
    await page.keyboard.press('j')
    await page.waitForURL('**/i/b')
    await page.keyboard.press('k')
    await page.waitForURL('**/i/a')
    await shows('GET /things/a')
    await page.getByRole('region', { name: 'Event' }).waitFor()
    await page.keyboard.press('r')
    await shows('The answer is the same as the recorded one.')
    await page.keyboard.press('e')
    await page.getByRole('textbox', { name: 'Event' }).waitFor()
    // A letter in a field is a letter.
    await page.keyboard.press('j')
    await page.keyboard.press('Escape')
    await page.getByRole('textbox', { name: 'Event' }).waitFor({ state: 'detached' })
    expect(page.url()).toContain('/i/a')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('/')
    await page.keyboard.type('b')
    expect(await page.getByLabel('Search events and logs').inputValue()).toBe('b')
  })

  it('opens deep links, goes back, and reports an invocation that is gone', async () => {
    host.add(detailOf(headOf('a')), detailOf(headOf('b')))
    await open('i/a')
    await page.getByRole('heading', { name: 'GET /things/a' }).waitFor()
    await page.locator('[data-id=b]').click()
    await page.getByRole('heading', { name: 'GET /things/b' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'GET /things/a' }).waitFor()
    await page.goto(`${url}i/gone`)
    await shows(/does not have this invocation/)
    // Chromium's own line for the 404.
    expect(new Set(errors.splice(0))).toEqual(new Set([expect.stringContaining('404')]))
  })

  it('keeps the scroll position while new invocations wait', async () => {
    for (let i = 0; i < 100; i++) host.add(detailOf(headOf(`old-${i}`)))
    await open()
    await page.locator('[data-id=old-99]').waitFor()
    const list = page.getByRole('listbox')
    await list.evaluate((list) => list.scrollTo(0, 600))
    const row = page.locator('[data-id=old-75]')
    const place = async () => (await row.boundingBox())?.y
    const before = await place()
    host.arrive(detailOf(headOf('new-1')), detailOf(headOf('new-2')))
    await button('2 new').waitFor()
    expect(await place()).toBe(before)
    await button('2 new').click()
    await page.locator('[data-id=new-2]').waitFor()
    expect(await list.evaluate(({ scrollTop }) => scrollTop)).toBe(0)
  })

  it('has few elements for 10,000 rows, of which each can be reached', async () => {
    for (let i = 0; i < 10_000; i++) host.add(detailOf(headOf(`row-${i}`)))
    await open()
    await page.locator('.rows[style*="300000px"]').waitFor({ state: 'attached' })
    expect(await rows().count()).toBeLessThan(60)
    await page.getByRole('listbox').evaluate((list) => list.scrollTo(0, list.scrollHeight))
    await page.locator('[data-id=row-0]').waitFor()
    expect(await rows().count()).toBeLessThan(60)
  })

  it('leaves its connection to other tabs while it is hidden, and then resumes', async () => {
    const hidden = (is: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${is}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await open()
    host.arrive(detailOf(headOf('before')))
    await page.locator('[data-id=before]').waitFor()
    await hidden(true)
    await expect.poll(() => host.readers).toBe(0)
    await hidden(false)
    await expect.poll(() => host.readers).toBe(1)
    expect(host.resumedFrom).toBe('1')
    host.arrive(detailOf(headOf('after')))
    await page.locator('[data-id=after]').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('continues after a restart of the host', async () => {
    host.add(detailOf(headOf('before')))
    await open()
    await page.locator('[data-id=before]').waitFor()
    const { port } = host
    await host[Symbol.asyncDispose]()
    await shows(/The host does not answer/)
    host = new PageHost()
    host.refuses = true
    await host.start(port)
    await shows(/The host was started again, with another token/)
    host.refuses = false
    await page.getByRole('alert').waitFor({ state: 'detached' })
    host.tell('reset')
    host.arrive(detailOf(headOf('after')))
    await page.locator('[data-id=after]').waitFor()
    await page.locator('[data-id=before]').waitFor({ state: 'detached' })
    // Chromium's own lines for requests that failed.
    expect(errors.splice(0).filter((error) => !error.startsWith('Failed to load resource'))).toEqual([])
  })

  it('runs no script in the data that it shows', async () => {
    const evil = [
      '<img src=x onerror=alert(1)>',
      '<script>alert(2)</script>',
      '"><svg onload=alert(3)>',
      "';alert(4)//",
      'javascript:alert(5)',
      '{{constructor.constructor("alert(6)")()}}',
      '\u001b]8;;javascript:alert(7)\u0007link\u001b]8;;\u0007',
      '&lt;img src=x onerror=alert(8)&gt;',
    ].join('\n')
    const head = headOf('evil', {
      functionId: evil,
      trigger: evil,
      title: evil,
      state: 'error',
      errorType: evil,
    })
    host.add(
      detailOf(head, {
        context: { functionName: evil, [evil]: evil },
        event: {
          [evil]: evil,
          link: 'javascript:alert(9)',
          __html: evil,
          dangerouslySetInnerHTML: { __html: evil },
        },
        eventPointers: [],
        outcome: { kind: 'error', error: { errorType: evil, errorMessage: evil, trace: [evil] } },
        stream: { contentType: evil, bytes: 1, text: evil, chunks: [] },
        logs: [{ atMs: 1, stream: 'stderr', level: evil, text: evil }],
        timing: [{ name: evil, startMs: 0, endMs: 5 }],
        variables: [evil],
      }),
    )
    host.replay = {
      id: evil,
      outcome: {
        kind: 'value',
        value: { dangerouslySetInnerHTML: { __html: evil }, type: 'img', props: { onerror: evil } },
      },
      diff: {
        equal: false,
        text: evil,
        changes: [{ path: evil, kind: 'changed', before: evil, after: evil }],
      },
    }
    const error = { message: evil, file: evil, text: evil }
    host.status = {
      ...idleStatus,
      session: { app: evil, stage: evil, name: evil },
      transport: evil,
      functions: [{ ...idleStatus.functions[0]!, functionId: evil, source: evil, state: 'failed', error }],
      team: [{ name: evil, state: evil, since: evil, own: false, take: { [evil]: evil }, overlaps: 1 }],
      discards: [{ reason: evil, message: evil, count: 1, lastAt: evil }],
    }
    host.diagnosis = { ok: false, checks: [{ id: evil, outcome: evil, seen: evil, advice: evil }] }
    await page.goto(`${url}i/evil`)
    await page.getByRole('region', { name: 'Event' }).waitFor()
    await button('Replay').click()
    await page.getByRole('table').waitFor()
    await button('Edit & replay').click()
    await page.getByRole('textbox', { name: 'Event' }).waitFor()
    for (const view of ['Functions', 'Connection']) {
      await button(view).click()
      await page.getByRole('heading', { name: view, exact: true }).waitFor()
    }
    await button('Why did nothing arrive?').click()
    await page.getByRole('dialog').getByRole('listitem').waitFor()
    await page.getByRole('dialog').getByRole('button').click()
    await button('Invocations').click()
    await rows().first().waitFor()
    const foreign =
      await page.evaluate(`[...document.querySelectorAll('script, img, iframe, a, [onerror], [onload]')]
      .map((element) => element.outerHTML).filter((html) => /alert|javascript:/.test(html))`)
    expect(foreign).toEqual([])
  })

  it.each(['light', 'dark'] as const)(
    'has no serious fault that axe finds, in %s colours',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme })
      host.add(
        detailOf(headOf('a'), { stream: { bytes: 2, text: 'ok', chunks: [{ atMs: 1, bytes: 2 }] } }),
        detailOf(headOf('b', { state: 'error', errorType: 'E', rerun: true })),
        detailOf(headOf('c', { state: 'declined' })),
      )
      const error = { message: 'Expected ";"', file: '/app/api.ts', line: 3, column: 7, text: 'const a b' }
      host.status = { ...idleStatus, functions: [{ ...idleStatus.functions[0]!, state: 'failed', error }] }
      host.replay = {
        outcome: { kind: 'value', value: { n: 1 } },
        diff: { equal: false, text: '', changes: [{ path: '/n', kind: 'changed', before: 1, after: 2 }] },
      }
      host.diagnosis = { ok: false, checks: [{ id: 'key', outcome: 'failed', seen: 'Seen.', advice: 'Do.' }] }
      await open('i/a')
      await button('Edit & replay').click()
      await button('Replay').click()
      await page.getByRole('table').waitFor()
      await page.evaluate(source)
      const faults = async () =>
        page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`)
      expect(await faults()).toEqual([])
      for (const view of ['Functions', 'Connection']) {
        await button(view).click()
        await page.getByRole('heading', { name: view, exact: true }).waitFor()
        expect(await faults()).toEqual([])
      }
      await button('Why did nothing arrive?').click()
      await page.getByRole('dialog').getByRole('listitem').waitFor()
      expect(await faults()).toEqual([])
    },
  )
})
