import type { Endpoint, FrameHandlers } from '../../src/index.js'

/** What a connection received, to be waited for. */
export class Inbox implements FrameHandlers {
  /** What was kept, in the order in which it was told. */
  readonly kept: Uint8Array[] = []
  readonly #frames: Uint8Array[] = []
  #wake = () => {}

  onFrame(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#wake()
  }

  onKept(frame: Uint8Array): void {
    this.kept.push(frame)
    this.#wake()
  }

  /** The next kept frame. */
  async nextKept(): Promise<Buffer> {
    while (this.kept.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return Buffer.from(this.kept.shift()!)
  }

  /** How many frames wait to be read. */
  get size(): number {
    return this.#frames.length
  }

  /** The next frame, in the order in which they came. */
  async next(): Promise<Buffer> {
    while (this.#frames.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return Buffer.from(this.#frames.shift()!)
  }

  /** The next frame as text. */
  async text(): Promise<string> {
    return (await this.next()).toString()
  }
}

export const stub: Endpoint = { app: 'shop', stage: 'dev', role: 'stub', name: 'environment-1_________' }
export const session: Endpoint = { app: 'shop', stage: 'dev', role: 'session', name: 'default' }

/** What a call throws, as a test looks at it. */
export async function failure(
  call: Promise<unknown> | undefined,
): Promise<{ code: string; message: string; details: object }> {
  try {
    await call
  } catch (error) {
    return error as { code: string; message: string; details: object }
  }
  throw new Error('It did not fail.')
}
