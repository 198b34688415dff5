import assert from 'node:assert/strict'

/** Calls the functions, edits their code, calls again; throws unless each answer comes from the code of its time. */
export async function checkItself({ session, url, edit, python }) {
  const check = { session, url, python }
  const first = await call(check)
  assert.equal(first.message, 'Hello from this machine, demo!')
  if (python) assert.match(first.words, /^Python \d.* counts 5 words/)

  const reload = await reloaded(session, 'api', () =>
    edit('api.ts', 'Hello from this machine', 'Hello from the new code'),
  )
  const second = await call(check)
  assert.equal(second.message, 'Hello from the new code, demo!')

  console.log(`\nfirst    ${JSON.stringify(first.message)}  ${first.durationMs} ms`)
  console.log(`reload   ${reload.durationMs} ms`)
  console.log(`second   ${JSON.stringify(second.message)}  ${second.durationMs} ms`)
  if (!python) return

  const pythonReload = await reloaded(session, 'words', () =>
    edit('words.py', 'since it started', 'by the new code'),
  )
  const third = await call(check)
  assert.match(third.words, /by the new code$/)
  console.log(`\nfirst    ${JSON.stringify(first.words)}`)
  console.log(`reload   ${pythonReload.durationMs} ms`)
  console.log(`third    ${JSON.stringify(third.words)}`)
}

/** One request through the whole path; resolves when the topic's functions have run too. */
async function call({ session, url, python }) {
  const notified = next(session, 'respond', ({ functionId }) => functionId === 'sns')
  const counted = python ? next(session, 'respond', ({ functionId }) => functionId === 'words') : undefined
  const printed = python ? next(session, 'log', ({ functionId }) => functionId === 'words') : undefined
  const startedAt = performance.now()
  const response = await fetch(`${url}/?name=demo`)
  const text = await response.text()
  const durationMs = Math.round(performance.now() - startedAt)
  assert.equal(response.status, 200, `the function answered ${response.status}: ${text}`)
  const { message, live } = JSON.parse(text)
  assert.equal(live, true, 'the answer did not come from local code')
  const [invocation] = await notified
  assert.equal(invocation.event.Records[0].Sns.Message, message)
  if (!python) return { message, durationMs }
  const [[{ context }], [log]] = await Promise.all([counted, printed])
  assert.equal(log.requestId, context.awsRequestId, 'a line has the id of another request')
  return { message, durationMs, words: log.text }
}

/** Resolves to the `reload` event of an edit. */
async function reloaded(session, functionId, edit) {
  const reload = next(session, 'reload', (event) => event.functionId === functionId)
  await edit()
  const [event] = await reload
  if (event.error !== undefined) throw event.error
  return event
}

/** The next event that matches, or an error after 20 s or at a failed invocation. */
function next(session, event, matches) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(reject, new Error(`no '${event}' event came within 20 s`)), 20_000)
    const onEvent = (...args) => {
      if (matches(args[0])) end(resolve, args)
    }
    const onFail = (invocation, { error }) =>
      end(reject, new Error(`${invocation.functionId}: ${error.errorMessage}`))
    const end = (settle, value) => {
      clearTimeout(timer)
      session.off(event, onEvent).off('fail', onFail)
      settle(value)
    }
    session.on(event, onEvent).on('fail', onFail)
  })
}
