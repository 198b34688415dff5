import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onAbort } from '../../core/base/abort.js'
import { throwIfAborted } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import { runFile } from '../../run-files.js'

/** A run of a CDK app. */
export interface AppRun {
  /** A command for the shell. */
  readonly command: string
  readonly cwd: string
  /** The folder for the assembly that the app writes. */
  readonly outdir: string
  readonly context: object
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

/** Files and folders that an app read, and the reason if it failed. */
export interface AppResult {
  readonly files: readonly string[]
  readonly folders: readonly string[]
  readonly failure?: {
    readonly message: string
    readonly place: { file?: string; line?: number; text?: string }
  }
}

/** Windows allows 32,767 characters for one variable, Linux 128 KiB. */
const MAX_VARIABLE_BYTES = process.platform === 'win32' ? 32_000 : 128_000
const MAX_OUTPUT_CHARACTERS = 64_000
const MAX_LINES = 12

/** Runs a CDK app to its end. @throws TetherError `ABORTED`, after killing the command and its child processes */
export async function runApp(run: AppRun): Promise<AppResult> {
  throwIfAborted(run.signal)
  const inputs = join(run.outdir, 'inputs.jsonl')
  const variables = await contextVariables(run)
  const { status, output } = await finished(run, { ...variables, LAMBDA_TETHER_INPUTS: inputs })
  throwIfAborted(run.signal)
  const read = await readInputs(inputs)
  if (status === 0) return read
  return { ...read, failure: failureOf(run.command, status, output) }
}

/** Passes the context like the CDK's own command: in a variable, or in a file if the variable is too small. */
async function contextVariables({ context, outdir }: AppRun): Promise<Record<string, string>> {
  const text = JSON.stringify(context)
  if (Buffer.byteLength(text) <= MAX_VARIABLE_BYTES) return { CDK_CONTEXT_JSON: text }
  const file = join(outdir, 'context.json')
  await writeFile(file, text)
  return { CONTEXT_OVERFLOW_LOCATION_ENV: file }
}

function finished(
  run: AppRun,
  variables: Readonly<Record<string, string>>,
): Promise<{ status: number | string; output: string }> {
  const { command, cwd, outdir, env, signal } = run
  const preload = `--import=${pathToFileURL(runFile('record-inputs')).href}`
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      cwd,
      // A process group of its own, so that an abort also kills the shell's children.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        // The CDK's validation of templates takes ten times as long as the rest; a deployment still runs it.
        CDK_VALIDATION: 'false',
        ...process.env,
        ...env,
        NODE_OPTIONS: [env.NODE_OPTIONS ?? process.env.NODE_OPTIONS, preload].filter(Boolean).join(' '),
        CDK_OUTDIR: outdir,
        ...variables,
      },
    })
    const unlisten = onAbort(signal, () => end(child.pid))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT_CHARACTERS)
      })
    child.once('error', (error) => {
      unlisten()
      resolve({ status: 'no start', output: error.message })
    })
    child.once('close', (code, killedBy) => {
      unlisten()
      resolve({ status: code ?? killedBy ?? 'no status', output })
    })
  })
}

function end(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has already exited.
  }
}

async function readInputs(file: string): Promise<AppResult> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const all = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { kind: 'file' | 'folder'; path: string })
  const of = (kind: string) => [...new Set(all.filter((one) => one.kind === kind).map(({ path }) => path))]
  return { files: of('file'), folders: of('folder') }
}

function failureOf(
  command: string,
  status: number | string,
  output: string,
): NonNullable<AppResult['failure']> {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  // Finds the first place in the app's own code: Node prints the failing line first, and stacks start with the
  // innermost frame.
  const places = [...output.matchAll(/(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^\s:()'"]+):(\d+)/g)]
  const own = places.find(([, file = '']) => !/[\\/]node_modules[\\/]/.test(file))
  const text = lines.find((line) => /(?:Error|ERROR|error)\b.*:/.test(line))?.trim()
  const place = own === undefined ? {} : { file: own[1]!, line: Number(own[2]) }
  const where = own === undefined ? '' : `${own[1]}:${own[2]}: `
  const shown = lines
    .slice(0, MAX_LINES)
    .map((line) => printable(line))
    .join('\n')
  const what = text ?? `'${command}' ended with ${status}`
  return { message: `${where}${what}\n${shown}`, place: { ...place, ...(text !== undefined && { text }) } }
}
