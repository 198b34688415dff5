import { defineConfig } from 'tsup'

/** The package's public modules: one entry for each subpath of `exports` in package.json. */
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'transports/memory': 'src/transports/memory.ts',
    'transports/mqtt': 'src/transports/mqtt.ts',
    'transports/iot': 'src/transports/iot.ts',
    'transports/api-gateway': 'src/transports/api-gateway.ts',
    'stores/memory': 'src/stores/memory.ts',
    'stores/s3': 'src/stores/s3.ts',
    'executors/index': 'src/executors/index.ts',
    'sources/file': 'src/sources/file.ts',
    'sources/esbuild': 'src/sources/esbuild.ts',
    'sources/command': 'src/sources/command.ts',
    'stub/index': 'src/stub/index.ts',
    'local/index': 'src/local/index.ts',
    'deploy/index': 'src/deploy/index.ts',
    'inspector/index': 'src/inspector/index.ts',
    'recorder/index': 'src/recorder/index.ts',
    'diagnose/index': 'src/diagnose/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
  splitting: true,
  // tsup would write `fs` for `node:fs`.
  removeNodeProtocol: false,
  // dist/run and the page belong to tsup.run.config.ts; types are cleaned by the types' own build, which --no-dts leaves out.
  clean: ['!run/**', '!inspector/{app.js,app.css,index.html}', '!**/*.d.ts'],
})
