/** The pending askers of echoes. All echoes are alike, so each one goes to the longest waiting asker. */
export class Waiting {
  #waiting = []

  answer() {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  answered() {
    this.#waiting.shift()?.()
  }
}
