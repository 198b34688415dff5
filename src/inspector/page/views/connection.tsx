import type { Dropped, Status } from '../api/contract.js'
import { bytes, dollars, milliseconds, sessionText } from '../format.js'
import { usePage } from '../state/page-state.js'
import { TeamView } from './team-view.js'

/** The session's connection to its broker: traffic, cost and dropped messages. */
export function ConnectionView() {
  const status = usePage().status.value
  return (
    <main class="view" aria-labelledby="connection">
      <h1 id="connection">Connection</h1>
      {status === undefined ? <p class="quiet">The host has not said yet.</p> : <Facts status={status} />}
    </main>
  )
}

function Facts({
  status: { session, connection, transport, lanes = [], stats, team = [], discards, displaced, displacedBy },
}: {
  readonly status: Status
}) {
  const { invocations, frames } = stats
  const { error, retryInMs } = connection
  const facts: readonly (readonly [string, string])[] = [
    ['Name', `${session.name}${displaced ? `: taken by ${sessionText(displacedBy)}` : ''}`],
    ['Application and stage', `${session.app}, ${session.stage}`],
    ['Transport', transport],
    [
      'State',
      [
        connection.state,
        error?.message,
        retryInMs !== undefined && `next attempt in ${milliseconds(retryInMs)}`,
      ]
        .filter(Boolean)
        .join(': '),
    ],
    ['Connections', `${stats.connections}, up for ${milliseconds(stats.connectedMs)} in all`],
    ['Lanes', lanes.length === 0 ? 'None: nothing is connected.' : `${lanes.join(' + ')}, by connection`],
    [
      'Invocations',
      `${invocations.received} received, ${invocations.answered} answered, ${invocations.failed} failed, ${invocations.declined} declined, ${invocations.running} running`,
    ],
    [
      'Frames',
      `${frames.received} received (${bytes(frames.receivedBytes)}), ${frames.sent} sent (${bytes(frames.sentBytes)})`,
    ],
    [
      'Price',
      stats.estimatedUsd === undefined
        ? 'This transport has none.'
        : `${dollars(stats.estimatedUsd)}, as estimated from what the broker meters`,
    ],
  ]
  return (
    <>
      <section class="panel" aria-label="Connection">
        <dl>
          {facts.map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ))}
        </dl>
      </section>
      {team.length > 0 && <TeamView team={team} invocations={invocations} />}
      <section class="panel" aria-labelledby="discards">
        <h2 id="discards">Dropped</h2>
        {discards.length === 0 ? (
          <p class="quiet">Nothing that arrived was dropped.</p>
        ) : (
          <ul>
            {discards.map((discard) => (
              <Discard discard={discard} key={discard.message} />
            ))}
          </ul>
        )}
      </section>
    </>
  )
}

const REASONS: Readonly<Record<string, string>> = {
  malformed: 'Not of this protocol',
  version: 'Of another version of the protocol: deploy the stub of this version',
  key: 'Sealed with a key that this session does not have: deploy the stub with this key, or add the key to the session',
  forged: 'Forged, altered, or sealed for another receiver',
  'too-large': 'Over a limit',
  replayed: 'Presence of an earlier session, which was corrected',
  clock: 'The clocks of both sides differ by more than a day',
  late: 'Came after its invocation had ended',
}

function Discard({ discard: { reason, message, count, lastAt } }: { readonly discard: Dropped }) {
  return (
    <li>
      <strong>{`${count} × ${(Object.hasOwn(REASONS, reason) && REASONS[reason]) || reason}.`}</strong>
      {` ${message} `}
      <span class="quiet">{`Last at ${new Date(lastAt).toLocaleTimeString()}.`}</span>
    </li>
  )
}
