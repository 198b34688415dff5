import { report } from './child.js'
import { memoryMb } from './memory.js'

/** Lets the process, started with `--expose-gc`, answer `memory` with its memory. */
export function reportMemory() {
  process.on('message', ({ type }) => {
    if (type === 'memory') report('memory', memoryMb())
  })
}
