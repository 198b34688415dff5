import {
  type Connection,
  checkTransport,
  type Endpoint,
  type FrameHandlers,
  type Transport,
} from '../../core/contracts/transport.js'
import { FaultyConnection } from './connection.js'
import {
  type CheckedPlan,
  checkFaultPlan,
  type Decision,
  decideFate,
  type FaultKind,
  type FaultPlan,
} from './plan.js'

export type { Fault, FaultKind, FaultPlan } from './plan.js'

/** The frames sent and their faults so far. */
export interface FaultReport {
  /** Number of frames with a decided fate, by the sender's role. */
  readonly frames: Readonly<Record<Endpoint['role'], number>>
  /** `drop` also counts frames held for a delay when their connection ended. */
  readonly faults: Readonly<Record<FaultKind, number>>
}

/** A transport with faults, and their counts. */
export interface FaultyTransport extends Transport {
  /** Returns the counts so far. */
  report(): FaultReport
}

/**
 * Wraps a transport and causes a broker's failures by plan. A frame's fate is decided where it is sent, so wrap the
 * transport of both sides, or one transport that both use. An empty plan changes nothing.
 * @throws TetherError `INVALID_OPTION` naming the option of the plan
 */
export function faulty(transport: Transport, plan: FaultPlan): FaultyTransport {
  checkTransport('transport', transport)
  const account = new Account(checkFaultPlan(plan))
  return {
    name: transport.name,
    limits: transport.limits,
    ...(transport.pricing !== undefined && { pricing: transport.pricing }),
    ...(transport.keeps !== undefined && { keeps: transport.keeps }),
    ...(transport.watches !== undefined && { watches: transport.watches }),
    ...(transport.describe !== undefined && { describe: transport.describe.bind(transport) }),
    async connect(self, handlers, options) {
      const ear = new Ear(handlers)
      const inner = await transport.connect(self, ear, options)
      return new FaultyConnection({
        inner,
        frameBytes: transport.limits.frameBytes,
        clock: account.plan.clock,
        ...(options?.will !== undefined && { will: options.will }),
        nextFate: () => account.next(self.role),
        deafen: () => ear.deafen(),
      }) satisfies Connection
    },
    report: () => account.report(),
  }
}

class Account {
  readonly plan: CheckedPlan
  readonly #frames = { session: 0, stub: 0 }
  readonly #faults = { throttle: 0, cut: 0, drop: 0, corrupt: 0, duplicate: 0, reorder: 0, delay: 0 }

  constructor(plan: CheckedPlan) {
    this.plan = plan
  }

  next(direction: Endpoint['role']): Decision {
    const index = this.#frames[direction]++
    return {
      fate: decideFate(this.plan, direction, index),
      tell: (kind) => {
        this.#faults[kind]++
        this.plan.onFault?.({ kind, direction, index })
      },
    }
  }

  report(): FaultReport {
    return { frames: { ...this.#frames }, faults: { ...this.#faults } }
  }
}

/** Passes on a connection's frames until it is cut. */
class Ear implements FrameHandlers {
  readonly #handlers: FrameHandlers
  #deaf = false

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  deafen(): void {
    this.#deaf = true
  }

  onFrame(frame: Uint8Array): void {
    if (!this.#deaf) this.#handlers.onFrame(frame)
  }

  onKept(frame: Uint8Array, name: string): void {
    if (!this.#deaf) this.#handlers.onKept?.(frame, name)
  }
}
