import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import type { FunctionDefinition, LocalFunction } from '../../src/local/index.js'
import { unzip } from './unzip.js'

/** What Lambda keeps of a function's configuration. */
export interface FunctionConfiguration {
  readonly FunctionName: string
  readonly FunctionArn: string
  readonly Role: string
  readonly Handler: string
  readonly Timeout: number
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> }
}

/** An AWS account with one function in it. */
export interface LocalAccountOptions {
  readonly folder: string
  readonly iotEndpoint: string
  readonly configuration: FunctionConfiguration
  readonly code: Buffer
  /** Runs the function as it is. */
  deploy(
    definition: Pick<FunctionDefinition, 'name' | 'bundle' | 'handler' | 'environment' | 'timeoutMs'>,
  ): LocalFunction
}

type Flags = ReadonlyMap<string, string>

/**
 * The part of an account that `docs/first-function.md` touches, behind a program named `aws`: the commands' effects
 * are real files and a real function. Whether their flags are right, the SDK's model says elsewhere.
 */
export class LocalAccount implements AsyncDisposable {
  configuration: FunctionConfiguration
  code: Buffer
  /** The role's inline policies, by role and name. */
  readonly rolePolicies = new Map<string, unknown>()
  readonly #options: LocalAccountOptions
  readonly #server = createServer((request, response) => {
    this.#answer(request).then(
      (body) => response.end(body),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    )
  })
  #function: LocalFunction | undefined

  private constructor(options: LocalAccountOptions) {
    this.#options = options
    this.configuration = options.configuration
    this.code = options.code
  }

  static async open(options: LocalAccountOptions): Promise<LocalAccount> {
    const account = new LocalAccount(options)
    await new Promise<void>((listening) => account.#server.listen(0, '127.0.0.1', listening))
    return account
  }

  /** Writes the programs `aws`, `curl` and `npm` into a new folder, to be put before the others on the PATH. */
  async programs(): Promise<string> {
    const folder = join(this.#options.folder, 'bin')
    await mkdir(folder)
    const program = async (name: string, script: string) => {
      await writeFile(join(folder, `${name}.cjs`), script)
      await writeFile(
        join(folder, name),
        `#!/bin/sh\nexec '${process.execPath}' '${folder}/${name}.cjs' "$@"\n`,
      )
      await chmod(join(folder, name), 0o755)
    }
    await program(
      'aws',
      `const body = JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() })
       fetch('${this.#url}', { method: 'POST', body }).then(async (response) => {
         const stream = response.ok ? process.stdout : process.stderr
         stream.write(await response.text(), () => process.exit(response.ok ? 0 : 254))
       })`,
    )
    await program(
      'curl',
      `const [flags, output, file, url] = process.argv.slice(2)
       if (flags !== '-fsS' || output !== '-o') throw new Error('curl is called in another way')
       fetch(url).then(async (response) => {
         if (!response.ok) process.exit(22)
         require('node:fs').writeFileSync(file, Buffer.from(await response.arrayBuffer()))
       })`,
    )
    await program('npm', `if (process.argv[2] !== 'install') process.exit(1)`)
    return folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async #answer(request: IncomingMessage): Promise<Buffer | string> {
    if (request.method === 'GET') return this.code
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { args, cwd } = JSON.parse(Buffer.concat(chunks).toString()) as { args: string[]; cwd: string }
    const words: string[] = []
    const flags = new Map<string, string>()
    for (let at = 0; at < args.length; at += 1) {
      const flag = /^--(.+)/.exec(args[at]!)?.[1]
      if (flag === undefined) words.push(args[at]!)
      else flags.set(flag, args[++at] ?? '')
    }
    const output = await this.#run(words, flags, cwd)
    return output === undefined ? '' : printed(output, flags)
  }

  async #run([service, operation, ...rest]: string[], flags: Flags, cwd: string): Promise<unknown> {
    const file = (flag: string) => readFile(resolve(cwd, flags.get(flag)!.replace(/^fileb?:\/\//, '')))
    const json = async (flag: string) => JSON.parse((await file(flag)).toString())
    if (service === 'lambda') this.#check('function-name', this.configuration.FunctionName, flags)
    if (service === 'iam') this.#check('role-name', this.configuration.Role.split('/').at(-1)!, flags)
    const policy = `${flags.get('role-name')} ${flags.get('policy-name')}`
    switch (`${service} ${operation}`) {
      case 'iot describe-endpoint':
        this.#check('endpoint-type', 'iot:Data-ATS', flags)
        return { endpointAddress: this.#options.iotEndpoint }
      case 'iam put-role-policy':
        this.rolePolicies.set(policy, await json('policy-document'))
        return undefined
      case 'iam delete-role-policy':
        if (!this.rolePolicies.delete(policy)) throw new Error('NoSuchEntity')
        return undefined
      case 'lambda get-function-configuration':
        return this.configuration
      case 'lambda get-function':
        return { Configuration: this.configuration, Code: { Location: this.#url } }
      case 'lambda update-function-code':
        this.#function = undefined
        this.code = await file('zip-file')
        return { ...this.configuration, LastUpdateStatus: 'InProgress' }
      case 'lambda update-function-configuration':
        this.#function = undefined
        this.configuration = {
          ...this.configuration,
          Handler: flags.get('handler')!,
          Timeout: Number(flags.get('timeout')),
          Environment: await json('environment'),
        }
        return { ...this.configuration, LastUpdateStatus: 'InProgress' }
      case 'lambda wait':
        return undefined
      case 'lambda invoke': {
        this.#function ??= await this.#deploy()
        const result = await this.#function.invoke(await file('payload'))
        await writeFile(resolve(cwd, rest[0]!), result.payload)
        return { StatusCode: result.statusCode, FunctionError: result.functionError }
      }
      default:
        throw new Error(`This account does not know ${service} ${operation}.`)
    }
  }

  async #deploy(): Promise<LocalFunction> {
    const { FunctionName, Handler, Timeout, Environment } = this.configuration
    const bundle = await mkdtemp(join(this.#options.folder, 'task-'))
    for (const [name, { bytes }] of unzip(this.code)) {
      await mkdir(dirname(join(bundle, name)), { recursive: true })
      await writeFile(join(bundle, name), bytes)
    }
    return this.#options.deploy({
      name: FunctionName,
      bundle,
      handler: Handler,
      timeoutMs: Timeout * 1000,
      environment: Environment?.Variables ?? {},
    })
  }

  #check(flag: string, expected: string, flags: Flags): void {
    if (flags.get(flag) === expected) return
    throw new Error(`ResourceNotFound: --${flag} is '${flags.get(flag)}', not '${expected}'`)
  }
}

/** As the CLI prints, for queries of the kind `Code.Location`. */
function printed(output: unknown, flags: Flags): string {
  let value = output
  for (const part of flags.get('query')?.split('.') ?? []) value = (value as Record<string, unknown>)[part]
  return flags.get('output') === 'text' ? `${String(value)}\n` : `${JSON.stringify(value, null, 4)}\n`
}
