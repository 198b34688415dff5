import { readdirSync, readFileSync } from 'node:fs'
import { TetherError, type TetherErrorCode } from './core/base/errors.js'

/** The number of open files and its limit, as far as they are known. */
interface OpenFiles {
  readonly open?: number | undefined
  readonly limit?: number | undefined
}

/**
 * Returns the error for a failure for lack of files, with both numbers and advice; undefined for any other failure. Its
 * details are `{ reason: 'EMFILE' | 'ENFILE', open, limit }`.
 */
export function outOfFiles(error: unknown, code: TetherErrorCode): TetherError | undefined {
  const reason = error instanceof TetherError ? undefined : reasonOf(error)
  if (reason === undefined) return undefined
  const ofProcess = reason === 'EMFILE'
  const { open, limit } = ofProcess ? filesOfProcess() : filesOfMachine()
  const most = `${limit?.toLocaleString('en-US') ?? 'files'} that this ${ofProcess ? 'process' : 'machine'} may have open`
  const numbers =
    open === undefined ? `all ${most} are` : `${open.toLocaleString('en-US')} of the ${most} are`
  const advice = ofProcess
    ? 'Start it with a higher limit (`ulimit -n 65536`), or let fewer workers live (maxWorkers).'
    : 'End other programs, or raise the limit of the machine (fs.file-max).'
  return new TetherError(code, `Files ran out: ${numbers} (${reason}). ${advice}`, {
    cause: error,
    details: { reason, open, limit },
  })
}

/** Node gives the reason as a code or, for a thread, in the message; esbuild's program gives it in words. */
function reasonOf(error: unknown): 'EMFILE' | 'ENFILE' | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const text = `${String(code)} ${String(message)}`
  if (/\bENFILE\b|too many open files in system/i.test(text)) return 'ENFILE'
  return /\bEMFILE\b|too many open files/i.test(text) ? 'EMFILE' : undefined
}

function filesOfProcess(): OpenFiles {
  // The only way to read the limit without opening a file. Without the option, the report resolves the host name of
  // each connection's address.
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean }
  const { excludeNetwork = false } = report
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  report.excludeNetwork = excludeNetwork
  const limit = Number(userLimits?.open_files?.soft)
  // One open file is the folder itself.
  const open = attempt(() => readdirSync('/dev/fd').length - 1)
  return { open, limit: Number.isFinite(limit) ? limit : undefined }
}

function filesOfMachine(): OpenFiles {
  const [open, , limit] =
    attempt(() => readFileSync('/proc/sys/fs/file-nr', 'utf8').trim().split(/\s+/)) ?? []
  return open === undefined || limit === undefined ? {} : { open: Number(open), limit: Number(limit) }
}

/** Reading the numbers may itself need a file. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
