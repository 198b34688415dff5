/** A function that ends its process, or its thread, while its module is loaded; see `FunctionBehaviour`. */
process.stderr.write('about to exit\n')
process.exit(37)

export const handler = async () => 'loaded'
