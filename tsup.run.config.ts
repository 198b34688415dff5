import { defineConfig, type Options } from 'tsup'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/** Files that are run, not imported: each is self-contained, and `src/run-files.ts` knows where they lie. */
const shared: Options = {
  outDir: 'dist/run',
  platform: 'node',
  target: 'node20',
  noExternal: [/.*/],
  splitting: false,
  sourcemap: false,
  dts: false,
  removeNodeProtocol: false,
  // The rest of dist is built by tsup.config.ts; each name here is simply overwritten.
  clean: false,
}

/**
 * Parts of `ws` that a stub never runs, and what stands in for each: they would be loaded at a cold start. A stub is
 * a client that asks for no compression (`perMessageDeflate: false`).
 */
const unused: Readonly<Record<string, string>> = {
  // The browser's way of listening; a stub uses Node's.
  'event-target': 'module.exports = { EventTarget: { addEventListener() {}, removeEventListener() {} } }',
  'websocket-server': 'module.exports = class {}',
  // What reads offers of extensions and subprotocols: a server's part.
  extension: 'module.exports = {}',
  subprotocol: 'module.exports = {}',
  'permessage-deflate': `module.exports = class { static extensionName = 'permessage-deflate' }`,
}

const lean: EsbuildPlugin = {
  name: 'lean',
  setup(build) {
    build.onResolve({ filter: /^\.\/(lib\/)?[a-z-]+(\.js)?$/ }, ({ path, importer }) => {
      const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.js$/, '')
      const inPackage = /[\\/]node_modules[\\/]ws[\\/]/.test(importer)
      return inPackage && Object.hasOwn(unused, name) ? { path: name, namespace: 'unused' } : undefined
    })
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({ contents: unused[path] ?? '' }))
  },
}

const modules: Options = {
  ...shared,
  entry: {
    'worker-thread': 'src/executors/entry/worker-thread.ts',
    'debug-inspector': 'src/executors/entry/debug-inspector.ts',
    'node-bootstrap': 'src/executors/entry/node-bootstrap.ts',
    'python-bootstrap': 'src/executors/entry/python-bootstrap.py',
    guard: 'src/executors/entry/guard.ts',
    'conformance-functions': 'src/testing/entry/conformance-functions.ts',
    'fail-at-start': 'src/testing/entry/fail-at-start.ts',
    'exit-at-start': 'src/testing/entry/exit-at-start.ts',
    wrapped: 'src/stub/entry/wrapped.ts',
    wrap: 'src/stub/entry/wrap.sh',
  },
  format: 'esm',
  loader: { '.py': 'copy', '.sh': 'copy' },
  outExtension: () => ({ js: '.mjs' }),
}

const stubs: Options = {
  ...shared,
  entry: {
    'stub-mqtt': 'src/stub/entry/mqtt.ts',
    'stub-iot': 'src/stub/entry/iot.ts',
    'stub-api-gateway': 'src/stub/entry/api-gateway.ts',
    relay: 'src/stub/entry/relay.ts',
  },
  format: 'cjs',
  outExtension: () => ({ js: '.cjs' }),
  minify: true,
  esbuildPlugins: [lean],
  define: {
    'process.env.NODE_ENV': '"production"',
    // `ws` would look for two native add-ons that no bundle has.
    'process.env.WS_NO_BUFFER_UTIL': '"1"',
    'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
  },
}

export default defineConfig([modules, stubs])
