import { bars } from '../plot/bars.js'
import { ms, ratio, table } from '../text.js'

const FORMS = ['alone', 'wrapped', 'mirrored']

export const mirror = {
  benchmark: 'mirror',
  title: 'Mirror mode',
  runs: ({ quick }) => [
    {
      label: 'mirror',
      args: quick ? ['--count', '20', '--starts', '2'] : ['--count', '200', '--starts', '8'],
    },
  ],
  write([[, figures]]) {
    const rows = Object.entries(figures)
      .filter(([, row]) => row?.mirroredP99Ms !== undefined)
      .map(([name, row]) => ({ label: name.replace('-', ', '), ...row }))
    return [
      `The price that a real function pays for sending copies of its events, by its style and by the other side: a session that runs
each copy (\`attached\`), a session that stays silent (\`silent\`), nothing at the broker's address (\`unreachable\`), or a
broker that takes connections and never answers (\`hanging\`). The function runs in the local Lambda host, which freezes it in between. **Floor:** the same function without the layer, by turns with it. The worst growth of p99 is
${ms(figures.p99GrowthMs)}.`,
      table(
        ['handler, broker', 'p50', 'floor', 'ratio', 'p99', 'floor', 'ratio', 'growth of p99'],
        rows.map((row) => [
          row.label,
          ms(row.mirroredP50Ms),
          ms(row.plainP50Ms),
          ratio(row.mirroredP50Ms, row.plainP50Ms),
          ms(row.mirroredP99Ms),
          ms(row.plainP99Ms),
          ratio(row.mirroredP99Ms, row.plainP99Ms),
          `${row.p99GrowthMs.toFixed(1)} ms`,
        ]),
      ),
      {
        svg: 'mirror',
        content: bars({
          title: 'Invocations of a mirrored function, p99',
          rows: rows.map(({ label, mirroredP99Ms, plainP99Ms }) => ({
            label,
            value: mirroredP99Ms,
            floor: plainP99Ms,
          })),
          print: ms,
        }),
      },
      'The start of an environment, before its first invocation: alone, wrapped for a live session, and mirrored.',
      table(
        ['function', ...FORMS],
        ['small', 'heavy'].map((kind) => [
          kind === 'heavy' ? 'with an AWS client' : kind,
          ...FORMS.map((form) => ms(figures.cold[`${kind}-${form}-initP50Ms`])),
        ]),
      ),
    ]
  },
}
