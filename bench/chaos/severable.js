/** A transport that can cut its connections, and can be cut off for good. */
export function severable(transport, TetherError) {
  const open = new Set()
  let severed = false
  const lost = () => new TetherError('UNREACHABLE', 'The connection was cut.')

  const connect = async (self, handlers, options) => {
    if (severed) throw lost()
    let alive = true
    let end
    const cutOff = new Promise((resolve) => {
      end = resolve
    })
    const inner = await transport.connect(
      self,
      {
        onFrame: (frame) => alive && handlers.onFrame(frame),
        onKept: (frame, name) => alive && handlers.onKept?.(frame, name),
      },
      options,
    )
    const cut = () => {
      alive = false
      open.delete(cut)
      end(lost())
      void inner.close()
    }
    open.add(cut)
    if (severed) cut()
    const close = async () => {
      open.delete(cut)
      await inner.close()
    }
    return {
      closed: Promise.race([cutOff, inner.closed]),
      send: async (to, frame, sendOptions) => {
        if (!alive) throw lost()
        await inner.send(to, frame, sendOptions)
      },
      ...(inner.serve && { serve: (lanes) => inner.serve(lanes) }),
      ...(inner.keep && { keep: (frame) => inner.keep(frame) }),
      ...(inner.look && { look: () => inner.look() }),
      close,
      [Symbol.asyncDispose]: close,
    }
  }
  return {
    transport: { ...transport, connect },
    cut: (choose = () => true) => {
      for (const cut of [...open].filter(choose)) cut()
    },
    sever() {
      severed = true
      for (const cut of [...open]) cut()
    },
  }
}
