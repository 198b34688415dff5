/** A function that throws while its module is loaded; see `FunctionBehaviour`. */
class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
}

process.stderr.write('about to fail\n')
failOnPurpose()

function failOnPurpose(): void {
  throw new ConformanceError('failed at start')
}

export const handler = async () => 'loaded'
