import { bytes, ms, plain, ratio, table } from '../text.js'

export const stub = {
  benchmark: 'stub',
  title: 'The stub bundles',
  runs: ({ quick, brokered }) =>
    brokered.map((name) => ({
      label: name,
      args: ['--transport', name, '--count', quick ? '3' : '25'],
    })),
  write: (results) => [
    'The part of a cold start before any network: the size of each bundle, and a process that loads it. **Floor:** a process that loads an empty file.',
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
