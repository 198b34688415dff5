import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Parsed once: a program parses a thousand files, of which one differs from the next program's. */
const parsed = new Map<string, ts.SourceFile | undefined>()

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
  compilerHost.getSourceFile = (name, languageVersion, ...rest) => {
    if (name === file) return ts.createSourceFile(name, source, languageVersion)
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, languageVersion, ...rest))
    return parsed.get(name)
  }
  const program = ts.createProgram([file], { ...options, paths }, compilerHost)
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .filter((diagnostic) => diagnostic.file?.fileName === file)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}
