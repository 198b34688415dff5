import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Walks what exported functions, and the methods of what they return, take: with `exactOptionalPropertyTypes` a caller cannot
 * pass `undefined` for a property whose type does not say so.
 * @param modules entry points, from the repository's root
 * @returns such properties, as `SessionOptions.name`, and how many optional ones there are
 */
export function findStrictProperties(modules: readonly string[]): {
  readonly found: string[]
  readonly seen: number
} {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const files = modules.map((module) => `${root}${module}`)
  const program = ts.createProgram(files, options)
  const checker = program.getTypeChecker()
  const found = new Set<string>()
  const properties = new Set<ts.Node>()
  const [inputs, outputs] = [new Set<ts.Type>(), new Set<ts.Type>()]

  const typeOf = (symbol: ts.Symbol) => checker.getTypeOfSymbol(symbol)
  // What stubs and sessions send each other is nobody's to pass.
  const isOurs = (node: ts.Node) => {
    const { fileName } = node.getSourceFile()
    return fileName.startsWith(`${root}src/`) && !fileName.startsWith(`${root}src/core/wire/`)
  }
  const members = (type: ts.Type) =>
    type
      .getProperties()
      .filter(({ declarations = [] }) => declarations.some(isOurs) && !declarations.some(isPrivate))

  const take = (type: ts.Type): void => {
    if (inputs.has(type)) return
    inputs.add(type)
    if (type.isUnionOrIntersection()) for (const part of type.types) take(part)
    for (const argument of checker.getTypeArguments(type as ts.TypeReference)) take(argument)
    const indexed = type.getStringIndexType()
    if (indexed) take(indexed)
    // What a function of the caller's returns is taken, too.
    for (const signature of type.getCallSignatures()) take(signature.getReturnType())
    for (const member of members(type)) {
      for (const declaration of member.declarations ?? []) {
        if (!isOurs(declaration)) continue
        if (!ts.isPropertySignature(declaration) && !ts.isPropertyDeclaration(declaration)) continue
        if (declaration.questionToken === undefined || declaration.type === undefined) continue
        properties.add(declaration)
        if (allowsUndefined(checker.getTypeFromTypeNode(declaration.type))) continue
        const owner = (declaration.parent as ts.InterfaceDeclaration).name?.text ?? 'an object'
        found.add(`${owner}.${member.name}`)
      }
      take(checker.getNonNullableType(typeOf(member)))
    }
  }
  const give = (type: ts.Type): void => {
    if (outputs.has(type)) return
    outputs.add(type)
    if (type.isUnionOrIntersection()) for (const part of type.types) give(part)
    for (const argument of checker.getTypeArguments(type as ts.TypeReference)) give(argument)
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      for (const parameter of signature.getParameters()) take(checker.getNonNullableType(typeOf(parameter)))
      give(signature.getReturnType())
    }
    for (const member of members(type)) give(checker.getNonNullableType(typeOf(member)))
  }

  for (const file of files) {
    const source = program.getSourceFile(file)
    const module = source && checker.getSymbolAtLocation(source)
    for (const exported of module ? checker.getExportsOfModule(module) : []) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (symbol.flags & ts.SymbolFlags.Value) give(typeOf(symbol))
    }
  }
  return { found: [...found], seen: properties.size }
}

function isPrivate(node: ts.Node): boolean {
  const { name } = node as ts.NamedDeclaration
  return name !== undefined && ts.isPrivateIdentifier(name)
}

function allowsUndefined(type: ts.Type): boolean {
  if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return true
  return type.isUnion() && type.types.some(allowsUndefined)
}
