import assert from 'node:assert/strict'
import { readFile, rename, writeFile } from 'node:fs/promises'

/** Edits a module of the function, breaks it and mends it; throws unless the code of each save answers. */
export async function checkItself({ session, url, file }) {
  const code = await readFile(file, 'utf8')
  const greet = (greeting) => code.replace('Hello', greeting)
  const answers = async (greeting) => (await call(url)) === `${greeting} from this machine, demo!`
  assert(await answers('Hello'))

  const changed = until(session, ({ error }) => error === undefined && answers('Good morning'))
  await save(file, greet('Good morning'))
  await changed

  const broken = until(session, ({ error }) => error !== undefined)
  await save(file, 'export const greeting =')
  const { error } = await broken
  assert.equal(error.code, 'BUILD_FAILED')
  const { text, ...place } = error.details
  assert.deepEqual(place, { file, line: 1, column: 24 })
  await assert.rejects(call(url), /answered 500/)

  // Two saves in one moment, as of an editor that formats.
  const mended = until(session, ({ error }) => error === undefined)
  await save(file, greet('Good evening'))
  await mended
  const formatted = until(session, () => answers('Good night'))
  await save(file, greet('Good night'))
  await formatted
  console.log('\nEvery save was answered by its own code.')
}

async function call(url) {
  const response = await fetch(`${url}/?name=demo`)
  if (!response.ok) throw new Error(`the function answered ${response.status}: ${await response.text()}`)
  return (await response.json()).message
}

/** By a rename, as editors do. */
async function save(file, code) {
  await writeFile(`${file}.new`, code)
  await rename(`${file}.new`, file)
}

/** The `reload` event after which it holds. */
function until(session, holds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(reject, new Error('the new code was not there within 20 s')), 20_000)
    const onReload = async (event) => {
      try {
        if (await holds(event)) end(resolve, event)
      } catch (error) {
        end(reject, error)
      }
    }
    const end = (settle, value) => {
      clearTimeout(timer)
      session.off('reload', onReload)
      settle(value)
    }
    session.on('reload', onReload)
  })
}
