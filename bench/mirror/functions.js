// One function in two forms: unchanged, and with the layer in front.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const RUN = new URL('../../dist/run/', import.meta.url)
/** Like a function that waits for another service: a function that is frozen within a millisecond loses most copies. */
const WORK_MS = 5
const STYLES = {
  async: `exports.handler = async (event) => {
    await new Promise((resolve) => setTimeout(resolve, ${WORK_MS}))
    return event.length
  }`,
  callback: `exports.handler = (event, context, callback) => {
    setTimeout(() => callback(null, event.length), ${WORK_MS})
  }`,
}

/** Stands for `/opt`, as the layer's zip would unpack. */
export async function layerFolder(folder) {
  const layer = join(folder, 'layer')
  const inside = join(layer, 'lambda-tether')
  await mkdir(inside, { recursive: true })
  await copyFile(new URL('wrap.sh', RUN), join(inside, 'wrap'))
  await chmod(join(inside, 'wrap'), 0o755)
  for (const file of ['wrap-preload.mjs', 'wrapped.mjs'])
    await copyFile(new URL(file, RUN), join(inside, file))
  await copyFile(new URL('stub-mqtt.cjs', RUN), join(inside, 'stub.cjs'))
  return layer
}

/** The folder of the function's code: `heavy` names a module that takes long to load. */
export async function codeFolder(folder, style, heavy) {
  const code = join(folder, `${style}${heavy === undefined ? '' : '-heavy'}`)
  await mkdir(code, { recursive: true })
  const load = heavy === undefined ? '' : `require(${JSON.stringify(heavy)})\n`
  await writeFile(join(code, 'index.cjs'), load + STYLES[style])
  return code
}

/** The settings of a wrapped function. */
export function wrapped(layer, stub) {
  return { layers: [layer], environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap', ...stub } }
}
