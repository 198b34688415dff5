import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the compiler says of a module that uses this package as its users do. */
export function typeErrors(source: string): string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const paths = {
    'lambda-tether': ['./src/index.ts'],
    'lambda-tether/executors': ['./src/executors/index.ts'],
    'lambda-tether/*': ['./src/*.ts'],
  }
  const file = `${root}test/types/host.ts`
  const compilerHost = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = compilerHost
  compilerHost.fileExists = (name) => name === file || fileExists(name)
  compilerHost.getSourceFile = (name, languageVersion, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, languageVersion)
      : getSourceFile(name, languageVersion, ...rest)
  const program = ts.createProgram([file], { ...options, paths }, compilerHost)
  return ts
    .getPreEmitDiagnostics(program)
    .filter((diagnostic) => diagnostic.file?.fileName === file)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}
