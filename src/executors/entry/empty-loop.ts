/** Tells when the event loop is empty. Unlike a timer, it does not keep the process alive. */
export class EmptyLoop {
  #listener: (() => void) | undefined

  constructor(process: NodeJS.Process) {
    process.on('beforeExit', () => {
      const listener = this.#listener
      this.#listener = undefined
      listener?.()
    })
  }

  /** Calls `listener` once, when the loop is next empty; `undefined` removes the previous listener. */
  wait(listener: (() => void) | undefined): void {
    this.#listener = listener
  }
}
