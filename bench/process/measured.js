import { report } from './child.js'
import { memoryMb } from './memory.js'

/** Has the process, started with `--expose-gc`, answer `memory` with what it holds. */
export function reportMemory() {
  process.on('message', ({ type }) => {
    if (type === 'memory') report('memory', memoryMb())
  })
}
