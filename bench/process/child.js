// The child's side of `startProcess`.

/** Tells the parent; what it waits for by this name. */
export const report = (type, facts = {}) => process.send({ type, ...facts })

/** Ends in an orderly way when the parent says so, or has died. */
export const onEnd = (end) => process.once('disconnect', () => void end())
