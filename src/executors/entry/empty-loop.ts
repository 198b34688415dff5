/** Tells when nothing is left for the event loop to wait for. Unlike a timer it keeps nothing alive itself. */
export class EmptyLoop {
  #listener: (() => void) | undefined

  constructor(process: NodeJS.Process) {
    process.on('beforeExit', () => {
      const listener = this.#listener
      this.#listener = undefined
      listener?.()
    })
  }

  /** Calls `listener` once, when the loop is next empty; `undefined` forgets the one before. */
  wait(listener: (() => void) | undefined): void {
    this.#listener = listener
  }
}
