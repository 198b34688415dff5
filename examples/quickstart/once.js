import assert from 'node:assert/strict'

/** Calls the function, edits its code, calls again; throws unless the second answer comes from the new code. */
export async function checkItself({ session, url, edit }) {
  const first = await call({ session, url })
  assert.equal(first.message, 'Hello from this machine, demo!')

  const reloaded = next(session, 'reload', ({ functionId }) => functionId === 'api')
  await edit('Hello from this machine', 'Hello from the new code')
  const [{ error }] = await reloaded
  if (error !== undefined) throw error

  const second = await call({ session, url })
  assert.equal(second.message, 'Hello from the new code, demo!')
  console.log(`\nfirst   ${JSON.stringify(first.message)}  ${first.durationMs} ms`)
  console.log(`second  ${JSON.stringify(second.message)}  ${second.durationMs} ms`)
}

/** One request through the whole path; resolves when the topic's function has run too. */
async function call({ session, url }) {
  const notified = next(session, 'respond', ({ functionId }) => functionId === 'sns')
  const startedAt = performance.now()
  const response = await fetch(`${url}/?name=demo`)
  const text = await response.text()
  const durationMs = Math.round(performance.now() - startedAt)
  assert.equal(response.status, 200, `the function answered ${response.status}: ${text}`)
  const { message, live } = JSON.parse(text)
  assert.equal(live, true, 'the answer did not come from local code')
  const [invocation] = await notified
  assert.equal(invocation.event.Records[0].Sns.Message, message)
  return { message, durationMs }
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
