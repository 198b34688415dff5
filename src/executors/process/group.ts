/** What a process group is told. */
export type GroupSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'

/**
 * Signals a process group by its leader's id, frozen or not. Where there are no groups (Windows) the leader alone.
 * A group that has ended is no error.
 */
export function signalGroup(pid: number, signal: GroupSignal): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch (error) {
    // macOS says EPERM of a group whose last process has ended and not been waited for.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
