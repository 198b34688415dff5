/** A signal to a process group. */
export type GroupSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'

/**
 * Signals a process group by its leader's id, even if it is frozen. Without process groups (Windows), signals only the
 * leader. Ignores a group that has ended.
 */
export function signalGroup(pid: number, signal: GroupSignal): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch (error) {
    // macOS reports EPERM for a group with only a zombie left.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
