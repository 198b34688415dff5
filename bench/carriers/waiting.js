/** Those who wait for an echo. All echoes are alike, so each that comes is for who has waited longest. */
export class Waiting {
  #waiting = []

  answer() {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  answered() {
    this.#waiting.shift()?.()
  }
}
