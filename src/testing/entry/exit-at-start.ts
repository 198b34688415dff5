/** A function whose module ends the process, or the thread, while it is loaded; see `FunctionBehaviour`. */
process.stderr.write('about to exit\n')
process.exit(37)

export const handler = async () => 'loaded'
