import { bytes, ms, plain, ratio, table } from '../text.js'

export const stub = {
  benchmark: 'stub',
  title: 'The stub bundle',
  runs: () => [{ label: 'iot', args: [] }],
  write: (results) => [
    'What a cold start pays before any network: the size of the bundle, and a process that loads it. **Floor:** a process that loads an empty file.',
    table(
      ['bundle', 'size', 'gzipped', 'load', 'empty file', 'ratio'],
      results.map(([name, result]) => [
        name,
        bytes(result.bytes),
        bytes(result.gzipBytes),
        ms(result.loadMs),
        ms(result.emptyLoadMs),
        `${ratio(result.loadMs, result.emptyLoadMs)} (+${plain(result.loadMs - result.emptyLoadMs)} ms)`,
      ]),
    ),
  ],
}
