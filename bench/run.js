// npm run -s bench -- NAME [options]: runs one benchmark; its last line of output is one JSON object.
import { readdir } from 'node:fs/promises'

const [name, ...args] = process.argv.slice(2)
const known = (await readdir(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.js') && file !== 'run.js')
  .map((file) => file.slice(0, -'.js'.length))

if (!known.includes(name)) {
  console.error(`There is no benchmark '${name ?? ''}'; there are ${known.join(', ')}.`)
  process.exit(2)
}
const { run } = await import(`./${name}.js`)
console.log(JSON.stringify(await run(args)))
