import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import type { FileFacts } from './file-facts.js'

/** The configuration files that affect a build. */
export interface BuildConfiguration {
  /** Absolute paths; some files may not exist yet. */
  readonly files: readonly string[]
  /** The first config file that enables decorator metadata, if any. */
  readonly decoratorMetadata: string | undefined
}

const TSCONFIG = 'tsconfig.json'
const MANIFEST = 'package.json'

/**
 * Finds the files that change a build of the same sources: the `tsconfig.json` of each source and the configs that it
 * extends, or the config in the option; the `package.json` of each package; and the files that an installation writes.
 */
export function buildConfigurationOf(
  inputs: readonly string[],
  tsconfig: string | undefined,
  facts: FileFacts,
): BuildConfiguration {
  const folders = new Set(inputs.filter((input) => !isInstalled(input)).map((input) => dirname(input)))
  const files = new Set<string>()
  const configs = new Set(tsconfig === undefined ? [] : [tsconfig])
  for (const folder of folders) {
    const manifest = facts.above(folder, MANIFEST)
    if (manifest !== undefined) files.add(join(manifest, MANIFEST))
    if (tsconfig === undefined) addConfigs(folder, configs, facts)
    for (const marker of facts.installMarkers(folder)) files.add(marker)
  }
  let decoratorMetadata: string | undefined
  // Extended configs are appended to the set during the loop.
  for (const config of configs) {
    const text = facts.textOf(config)
    for (const base of basesOf(config, text)) configs.add(base)
    if (/"emitDecoratorMetadata"\s*:\s*true/.test(text)) decoratorMetadata ??= config
  }
  return { files: [...files, ...configs], decoratorMetadata }
}

/** Adds the nearest config at or above a folder, and the paths where a nearer config might appear. */
function addConfigs(folder: string, configs: Set<string>, facts: FileFacts): void {
  const top =
    facts.above(folder, TSCONFIG) ??
    facts.above(folder, 'node_modules') ??
    facts.above(folder, MANIFEST) ??
    folder
  for (let at = folder; ; at = dirname(at)) {
    configs.add(join(at, TSCONFIG))
    if (at === top || at === dirname(at)) return
  }
}

function basesOf(config: string, text: string): string[] {
  const value = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(text)?.[1] ?? ''
  return [...value.matchAll(/"([^"]*)"/g)].map(([, name]) => basePath(config, name!))
}

function basePath(config: string, name: string): string {
  const withExtension = name.endsWith('.json') ? name : `${name}.json`
  if (isAbsolute(name) || /^\.{1,2}(?:\/|$)/.test(name)) return resolve(dirname(config), withExtension)
  const { resolve: find } = createRequire(config)
  for (const path of [name, withExtension, `${name}/${TSCONFIG}`]) {
    try {
      return find(path)
    } catch {
      // Another of the names may resolve.
    }
  }
  return resolve(dirname(config), 'node_modules', withExtension)
}

function isInstalled(path: string): boolean {
  return path.includes(`${sep}node_modules${sep}`)
}
