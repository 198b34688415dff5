/**
 * Signals a process group by its leader's id, frozen or not. Where there are no groups (Windows) the leader alone.
 * A group that has ended is no error.
 */
export function signalGroup(pid: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
