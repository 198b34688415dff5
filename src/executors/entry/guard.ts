/**
 * Outlives its host long enough to kill the process groups that the host left behind. Run, not imported. Standard input
 * carries one line per change, `+<pid>` or `-<pid>`; its end means that the host is gone.
 */
import { signalGroup } from '../process/group.js'

const groups = new Set<number>()
let rest = ''

// Ctrl-C reaches a terminal's whole process group, but the guard must outlive its host.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function take(text: string): void {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const pid = Number(line.slice(1))
    if (!Number.isInteger(pid) || pid <= 1) continue
    if (line.startsWith('+')) groups.add(pid)
    else groups.delete(pid)
  }
}

function killAll(): void {
  for (const pid of groups) {
    try {
      signalGroup(pid, 'SIGKILL')
    } catch {
      // This group is not ours any more; the others still are.
    }
  }
  process.exit(0)
}

process.stdin.setEncoding('utf8')
process.stdin.on('data', (text) => take(String(text)))
process.stdin.on('end', killAll)
process.stdin.on('error', killAll)
