import { bars } from '../plot/bars.js'
import { bytes, ms, plain, ratio, table } from '../text.js'

export const payload = {
  benchmark: 'payload',
  title: 'Payload sizes',
  runs: ({ quick, brokered }) =>
    brokered.map((name) => ({
      label: name,
      args: ['--transport', name, ...(quick ? ['--sizes', '100000,1000000'] : [])],
    })),
  write(results) {
    const rows = results
      .flatMap(([name, { cases }]) => cases.map((row) => ({ name, ...row })))
      .filter(({ store, stored }) => store === stored)
    return [
      `A body of this size each way, that does not compress; then JSON of the same size that does, with its bytes on the wire
relative to the first. Without a store a body is split into frames and paced; a body that fits one frame never
goes through the store. **Floors:** through the store, the same bytes by four bare transfers (PUT, GET, PUT, GET) through the same network; in
frames, the time that the transport's own byte rate takes (AWS IoT: 512 KB a second and connection, both directions together), or two
round trips of the network if that is more; for a transport without such a rate, the same bytes in raw echoes of 128 KB, all under way at once.`,
      table(
        ['case', 'time', 'floor', 'ratio', 'JSON', 'JSON on the wire'],
        rows.map((row) => [
          `${named(row)}, ${row.roundTripMs} ms away`,
          ms(row.ms),
          row.floorMs > 0 ? ms(row.floorMs) : '–',
          ratio(row.ms, row.floorMs),
          ms(row.compressedMs),
          `${plain(row.compressedRatio * 100)} %`,
        ]),
      ),
      {
        svg: 'payload',
        content: bars({
          title: 'Payloads each way, 45 ms away',
          rows: rows
            .filter(({ roundTripMs }) => roundTripMs > 0)
            .map((row) => ({ label: named(row), value: row.ms, floor: row.floorMs })),
          print: ms,
        }),
      },
    ]
  },
}

const named = ({ name, bytes: size, store }) => `${name}, ${bytes(size)}, ${store ? 'store' : 'split'}`
