/** How many invocations have their outcome. */
export class Progress {
  settled = 0
  #waiting

  add(more) {
    this.settled += more
    this.#wake()
  }

  /** Resolves when so many have; one caller at a time. */
  async reaches(count) {
    while (this.settled < count) {
      await new Promise((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  #wake() {
    this.#waiting?.()
    this.#waiting = undefined
  }
}
