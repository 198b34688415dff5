import { defineConfig, type Options } from 'tsup'

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
    'mcp-connector': 'src/inspector/entry/mcp-connector.ts',
    wrapped: 'src/stub/entry/wrapped.ts',
    'wrap-preload': 'src/stub/entry/wrap-preload.ts',
    wrap: 'src/stub/entry/wrap.sh',
    'record-inputs': 'src/deploy/entry/record-inputs.ts',
    'template-diff': 'src/deploy/entry/template-diff.ts',
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
  define: { 'process.env.NODE_ENV': '"production"' },
}

/** The inspector's page. */
const page: Options = {
  ...shared,
  outDir: 'dist/inspector',
  entry: ['app.tsx', 'app.css', 'index.html'].map((name) => `src/inspector/page/${name}`),
  tsconfig: 'src/inspector/page/tsconfig.json',
  format: 'esm',
  platform: 'browser',
  // What light-dark() and :has() need: the browsers of 2024.
  target: 'es2022',
  loader: { '.html': 'copy' },
  minify: true,
}

export default defineConfig([modules, stubs, page])
