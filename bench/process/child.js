// The child's side of `startProcess`.

/** Sends the parent a message; it waits for messages by this name. */
export const report = (type, facts = {}) => process.send({ type, ...facts })

/** Ends in an orderly way when the parent says so, or has died. */
export const onEnd = (end) => process.once('disconnect', () => void end())
