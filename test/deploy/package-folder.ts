import { cp, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import manifest from '../../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Makes `<folder>/node_modules` as an installation leaves it: this package, built from the sources of this moment,
 * its dependencies, and the AWS SDK.
 */
export async function installHere(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules')
  const target = join(modules, 'lambda-tether')
  const outputs = Object.values(manifest.exports).flatMap((entry) => Object.values(entry))
  const entries = outputs
    .filter((path) => path.endsWith('.js'))
    .map((path) => path.slice('./dist/'.length, -3))
  await build({
    entryPoints: entries.map((entry) => ({ in: join(root, 'src', `${entry}.ts`), out: entry })),
    outdir: join(target, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent',
  })
  await cp(join(root, 'dist', 'run'), join(target, 'dist', 'run'), { recursive: true })
  await cp(join(root, 'package.json'), join(target, 'package.json'))
  for (const name of [...Object.keys(manifest.dependencies), '@aws-sdk/client-iot']) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name), 'junction')
  }
}
