import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeComparison } from './comparison.js'
import { sections } from './sections/index.js'

const PICTURES = 'benchmarks'

/**
 * Writes `benchmarks.md` and its plots into a folder, from the available figures, and the table of `transports.md`
 * beside it.
 * @param subjects the arguments for `runs` of a section
 */
export async function writePage(folder, figures, subjects) {
  await mkdir(join(folder, PICTURES), { recursive: true })
  const blocks = [introduction(figures.get('machine'))]
  for (const section of sections)
    blocks.push(...(await sectionBlocks(section, { figures, folder, subjects })))
  await writeFile(join(folder, 'benchmarks.md'), `${blocks.join('\n\n')}\n`)
  await writeComparison(folder, figures)
}

/** The id of one run of a section among the figures. */
export const idOf = ({ benchmark }, run) => `${run.benchmark ?? benchmark} ${run.label}`

function introduction({ at, commit, result: { cpu, cpus, memoryGb, system, load, versions } }) {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `# Benchmarks

<!-- Written by \`npm run -s bench -- all\`; changes belong in bench/page. -->

After this page you know the cost of every part in time, money and memory, and can measure it on your own machine.

${at.slice(0, 10)}, commit ${commit}: ${cpus} × ${cpu}, ${memoryGb} GB, ${system}; ${software.join(', ')}. The machine's load was ${load} when
the measurement began.

Each figure stands next to its floor, the least that anything could take in its place, and their ratio. Brokers, network
delays and AWS's limits are local: \`bench/\` has them. To repeat it all: \`npm run -s bench -- all\`; one part:
\`npm run -s bench -- all --only cold,units\`; one benchmark, as JSON: \`npm run -s bench -- cold\`; with
\`--cpu-prof FOLDER\` it leaves CPU profiles of its processes there, and says which functions cost most.`
}

async function sectionBlocks(section, { figures, folder, subjects }) {
  const runs = section.runs(subjects).map((run) => [run, figures.get(idOf(section, run))])
  const measured = runs.filter(([, figure]) => figure !== undefined)
  const results = measured
    .filter(([, { error }]) => error === undefined)
    .map(([{ label }, { result }]) => [label, result])
  const blocks = [`## ${section.title}`]
  for (const block of results.length === 0 ? [] : section.write(results)) {
    if (typeof block === 'string') {
      blocks.push(block)
      continue
    }
    const file = `${PICTURES}/${block.svg}.svg`
    await writeFile(join(folder, file), block.content)
    blocks.push(`![${/<title>(.*)<\/title>/.exec(block.content)[1]}](${file})`)
  }
  for (const [run, figure] of runs) {
    if (figure === undefined) blocks.push(`> \`${idOf(section, run)}\` has not been measured.`)
    else if (figure.error !== undefined)
      blocks.push(`> **\`${idOf(section, run)}\` failed:** ${figure.error}`)
  }
  const other = new Set(measured.map(([, figure]) => figure.commit))
  other.delete(figures.get('machine').commit)
  if (other.size > 0) blocks.push(`Measured at ${[...other].join(', ')}.`)
  return blocks
}
