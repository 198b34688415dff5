// Bytes to hold before they go on; beyond this, the sender feels backpressure.
const WINDOW_BYTES = 32 * 1024 * 1024

/** One direction of a connection: bytes from `source` reach `sink` after `delayMs`, in order. */
export class DelayLine {
  #source
  #sink
  #delayMs
  #queue = []
  #held = 0
  #timer
  #stalled = false
  /** Bytes received from the source. */
  bytes = 0

  constructor(source, sink, delayMs) {
    this.#source = source
    this.#sink = sink
    this.#delayMs = delayMs
    source.setNoDelay(true)
    source.on('data', (bytes) => this.#push(bytes))
    source.on('end', () => this.#push(null))
    source.on('error', () => this.cut())
    sink.on('drain', () => this.#flow())
  }

  stall() {
    this.#stalled = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  resume() {
    this.#stalled = false
    this.#release()
  }

  cut() {
    clearTimeout(this.#timer)
    this.#queue = []
    this.#stalled = true
    this.#source.destroy()
    this.#sink.destroy()
  }

  #push(item) {
    this.bytes += item?.length ?? 0
    if (this.#delayMs === 0 && !this.#stalled && this.#queue.length === 0) return this.#deliver(item)
    this.#queue.push({ item, dueAt: performance.now() + this.#delayMs })
    this.#held += item?.length ?? 0
    this.#flow()
    this.#arm()
  }

  #arm() {
    if (this.#stalled || this.#timer !== undefined || this.#queue.length === 0) return
    // Timers have whole milliseconds; a timer that fires a fraction too early is armed again.
    const waitMs = Math.max(1, Math.round(this.#queue[0].dueAt - performance.now()))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#release()
    }, waitMs)
  }

  #release() {
    const now = performance.now() + 0.5
    while (this.#queue.length > 0 && !this.#stalled && this.#queue[0].dueAt <= now) {
      const { item } = this.#queue.shift()
      this.#held -= item?.length ?? 0
      this.#deliver(item)
    }
    this.#flow()
    this.#arm()
  }

  // null is the sender's end.
  #deliver(item) {
    if (item === null) this.#sink.end()
    else if (!this.#sink.destroyed) this.#sink.write(item)
    this.#flow()
  }

  #flow() {
    if (this.#held + this.#sink.writableLength < WINDOW_BYTES) this.#source.resume()
    else this.#source.pause()
  }
}
