// npm run docs:demo: runs the quick start, calls it, edits its code and calls it again, and draws that as a terminal in
// docs/pictures/demo.svg. Its output and its times are the run's own; the commands stand for steps that this script
// takes without a shell.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { recording } from './recording.js'
import { terminal } from './terminal.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const EDITED = 'functions/api.ts'
const FROM = 'Hello from this machine'
const TO = 'No deployment, no restart'
/** Lets the effects of a request, the topic's functions and their lines, show before the next command. */
const SETTLED_MS = 1500

// A copy, since it is edited; inside the package, since it imports it by its name.
await mkdir(join(ROOT, '.tmp'), { recursive: true })
const folder = await mkdtemp(join(ROOT, '.tmp', 'demo-'))
try {
  await cp(join(ROOT, 'examples/quickstart'), folder, { recursive: true })
  const lines = await record()
  await mkdir(join(ROOT, 'docs/pictures'), { recursive: true })
  await writeFile(
    join(ROOT, 'docs/pictures/demo.svg'),
    terminal({ title: 'npm run demo', description: 'A recording of the quick start', lines }),
  )
} finally {
  await rm(folder, { recursive: true })
}

async function record() {
  const tape = recording()
  tape.command('npm run demo &')
  const demo = spawn(process.execPath, [join(folder, 'demo.js')], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    // The one line that names the folder of the copy.
    const where = join(folder, 'functions')
    tape.watch(demo.stdout, (line) => line.replace(where, 'examples/quickstart/functions'))
    const [, url] = await tape.line(/^Open {2}(\S+)\?name=you/)
    await tape.line(/^Stop/)
    await request(tape, url)
    tape.command(`sed -i 's/${FROM}/${TO}/' examples/quickstart/${EDITED}`)
    const reloaded = tape.line(/^api +reloaded/)
    await edit()
    await reloaded
    await request(tape, url)
    return tape.lines
  } finally {
    const exit = once(demo, 'exit')
    demo.kill('SIGTERM')
    await exit
  }
}

async function request(tape, url) {
  tape.command(`curl '${url}?name=you'`)
  // The topic's functions run after the answer, and in Python's case last.
  const response = await fetch(`${url}?name=you`)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`It answered ${response.status}: ${text}`)
  tape.output(text)
  await sleep(SETTLED_MS)
}

/** As editors save: a rename over the file. */
async function edit() {
  const path = join(folder, EDITED)
  const text = await readFile(path, 'utf8')
  if (!text.includes(FROM)) throw new Error(`${EDITED} does not say '${FROM}'.`)
  await writeFile(`${path}.new`, text.replace(FROM, TO))
  await rename(`${path}.new`, path)
}
