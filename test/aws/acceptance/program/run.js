// npm run accept:aws -- --region eu-west-1: docs/acceptance.md. The program is TypeScript, which Node 20 does not run.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

// Within the work tree, so that the program finds the package's root and its dependencies.
const outfile = fileURLToPath(new URL('../../../../node_modules/.cache/acceptance.mjs', import.meta.url))
await build({
  entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  target: 'node20',
  logLevel: 'error',
})
await import(pathToFileURL(outfile).href)
