// npm run -s bench -- NAME [options]: runs one benchmark; its last line of output is one JSON object. With --cpu-prof
// FOLDER every process of it leaves a CPU profile there, and stderr lists the greatest costs.
import { readdir } from 'node:fs/promises'
import { profiled } from './profile/profiled.js'

const FOLDER_OPTION = '--cpu-prof'
const [name, ...args] = process.argv.slice(2)
const known = (await readdir(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.js') && file !== 'run.js')
  .map((file) => file.slice(0, -'.js'.length))

if (!known.includes(name)) {
  console.error(`There is no benchmark '${name ?? ''}'; there are ${known.join(', ')}.`)
  process.exit(2)
}
const at = args.indexOf(FOLDER_OPTION)
if (at === -1) {
  const { run } = await import(`./${name}.js`)
  console.log(JSON.stringify(await run(args)))
} else {
  const [, folder] = args.splice(at, 2)
  if (folder === undefined || name === 'all')
    throw new Error(`${FOLDER_OPTION} takes a folder, and one benchmark.`)
  await profiled(name, args, folder)
}
