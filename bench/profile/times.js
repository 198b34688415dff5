import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const IDLE = '(idle)'
// CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile
const THREAD_INDEX = 4

/**
 * Returns where the time of each part of a benchmark went, in milliseconds: `{ part, count, busyMs, places }`, with
 * `count` the number of its processes, or of their threads. A place is a function of this repository: `selfMs` is spent
 * in its own code, `chargedMs` there and in the work of Node and packages for it. Work that no such function called is
 * charged to its module of Node, such as `(node:net)`, to its package, or to V8, such as `(garbage collector)`. @param
 * sourceOf see `sourceFinder`
 */
export async function timesOf(folder, sourceOf) {
  const parts = []
  for (const part of await readdir(folder)) {
    const files = await readdir(join(folder, part))
    const isThread = (file) => file.split('.')[THREAD_INDEX] !== '0'
    for (const [name, chosen] of [
      [part, files.filter((file) => !isThread(file))],
      [`${part}, worker threads`, files.filter(isThread)],
    ]) {
      if (chosen.length === 0) continue
      const paths = chosen.map((file) => join(folder, part, file))
      parts.push({ part: name, count: chosen.length, ...(await merged(paths, sourceOf)) })
    }
  }
  return parts
}

async function merged(paths, sourceOf) {
  const places = new Map()
  const place = (name, text = '') => {
    if (!places.has(name)) places.set(name, { name, text, selfMs: 0, chargedMs: 0 })
    return places.get(name)
  }
  for (const path of paths) {
    const profile = JSON.parse(await readFile(path, 'utf8'))
    const ms = ownMs(profile)
    const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
    const visit = ({ id, callFrame, children = [] }, caller) => {
      const source = sourceOf(callFrame)
      const own = source === undefined ? undefined : place(`${source.file}:${source.line}`, source.text)
      if (own !== undefined) own.selfMs += ms.get(id)
      const charged = own ?? caller ?? place(foreign(callFrame))
      charged.chargedMs += ms.get(id)
      for (const child of children) visit(nodes.get(child), own ?? caller)
    }
    visit(profile.nodes[0])
  }
  places.delete(IDLE)
  const all = [...places.values()]
  return { busyMs: all.reduce((sum, { chargedMs }) => sum + chargedMs, 0), places: all }
}

/** The time spent in each node of a profile itself, by the node's id. */
function ownMs({ nodes, samples, timeDeltas }) {
  const ms = new Map(nodes.map(({ id }) => [id, 0]))
  // A delta is the time before its sample; a sample is valid until the next one.
  for (const [i, id] of samples.entries()) ms.set(id, ms.get(id) + (timeDeltas[i + 1] ?? 0) / 1000)
  return ms
}

function foreign({ url, functionName }) {
  if (functionName.startsWith('(')) return functionName
  const name = url.startsWith('node:') ? url : /.*\/node_modules\/((@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  return `(${name ?? 'native'})`
}
