import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { folderOf } from './wrapped-function.js'

const { AWS_LAMBDA_RIC, AWS_LAMBDA_RIC_3, REQUIRE_REAL_SERVERS } = process.env

const isNewer = Number.parseInt(process.versions.node, 10) >= 24

/**
 * The `index.mjs` of AWS's own runtime client for Node (`aws-lambda-ric`) that Lambda has for this release: 3 up to Node 22, 4 from
 * 24 on.
 */
const path = isNewer ? AWS_LAMBDA_RIC : AWS_LAMBDA_RIC_3

/** For the name of a test that needs it. */
export const NEEDS_RUNTIME_CLIENT = isNewer
  ? 'aws-lambda-ric 4 in AWS_LAMBDA_RIC'
  : 'aws-lambda-ric 3 in AWS_LAMBDA_RIC_3'

/** Whether such a test is left out: where everything is required, it fails instead. */
export const lacksRuntimeClient = path === undefined && REQUIRE_REAL_SERVERS === undefined

/**
 * A folder that puts it in the place of the local cloud's runtime: `<folder>/ric.sh` is the wrapper to set. As Lambda's own
 * program does, it takes the handler from the environment, when preloads are done.
 * @throws Error where there is none
 */
export async function runtimeClientFolder(): Promise<string> {
  if (path === undefined) throw new Error(`This test needs ${NEEDS_RUNTIME_CLIENT}.`)
  const { href } = pathToFileURL(path)
  const main = isNewer
    ? `await import('${href}')`
    : `import { run } from '${href}'\nawait run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER)`
  const folder = await folderOf({ 'main.mjs': main })
  // In front of the layer's wrapper, "$1" is that.
  const start = `"${process.execPath}" "${folder}/main.mjs"`
  const wrapper = `#!/bin/bash\n[ -n "$LAMBDA_TETHER_KEY" ] && exec "$1" ${start}\nexec ${start}\n`
  await writeFile(join(folder, 'ric.sh'), wrapper, { mode: 0o755 })
  return folder
}
