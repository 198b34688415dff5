import { quantile } from '../statistics/quantile.js'

/** Combines the results of a run's stubs and sessions into one report. */
export function tally({ results, sessions, inFlightAtCrashes }) {
  const sum = (pick) => results.reduce((total, result) => total + pick(result), 0)
  const latencies = results.flatMap(({ latencies }) => latencies)
  const answeredAt = Object.assign({}, ...results.map((result) => result.answeredAt))
  const { executedTwice, rerunAfterCrash, unmarked, ranAfterAnswer } = executions(sessions, answeredAt)
  return {
    sent: sum(({ sent }) => sent),
    answered: sum(({ answered }) => answered),
    failed: addUp(results.map(({ failed }) => failed)),
    lost: sum(({ lost }) => lost),
    executedTwice,
    rerunAfterCrash,
    inFlightAtCrashes,
    rerunUnmarked: unmarked,
    ranAfterAnswer,
    crossAnswered: sum(({ crossAnswered }) => crossAnswered),
    p50Ms: round(quantile(latencies, 0.5)),
    p99Ms: round(quantile(latencies, 0.99)),
    rssGrowthMb: round(Math.max(...[...results, ...sessions].map(({ residentMb }) => growth(residentMb)))),
  }
}

/** Lists a report's broken promises, in words; empty for a run that kept them all. */
export function brokenPromises(report) {
  const { sent, answered, lost, executedTwice, crossAnswered, rerunAfterCrash, inFlightAtCrashes } = report
  const broken = []
  // Stubs without a session test nothing.
  if (2 * answered < sent) broken.push(`${answered} of ${sent} answered, less than half`)
  if (lost > 0) broken.push(`${lost} neither answered nor failed with a typed error`)
  if (executedTwice > 0) broken.push(`${executedTwice} started twice by one session`)
  if (crossAnswered > 0) broken.push(`${crossAnswered} answered with what is another's`)
  if (rerunAfterCrash > inFlightAtCrashes)
    broken.push(`${rerunAfterCrash} run again after crashes, where ${inFlightAtCrashes} were in flight`)
  return broken
}

function executions(sessions, answeredAt) {
  const ran = new Set()
  const counts = { executedTwice: 0, rerunAfterCrash: 0, unmarked: 0, ranAfterAnswer: 0 }
  for (const { starts } of sessions) {
    const here = new Set()
    for (const { requestId, rerun, at } of starts) {
      if (here.has(requestId)) counts.executedTwice++
      else if (ran.has(requestId)) {
        counts.rerunAfterCrash++
        if (!rerun) counts.unmarked++
      }
      if (at > answeredAt[requestId]) counts.ranAfterAnswer++
      here.add(requestId)
    }
    for (const requestId of here) ran.add(requestId)
  }
  return counts
}

// From its first measurement to its last.
const growth = (measured) => (measured.length < 2 ? 0 : measured.at(-1) - measured[0])
const round = (value) => Math.round(value * 10) / 10

function addUp(records) {
  const total = {}
  for (const record of records)
    for (const [name, value] of Object.entries(record)) total[name] = (total[name] ?? 0) + value
  return total
}
