import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GUARDED_VARIABLES } from '../../src/executors/environment/guarded-variables.js'
import {
  LocalEnvironment,
  type LocalEnvironmentOptions,
} from '../../src/executors/environment/local-environment.js'
import type { LogEntry } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'

const clock = new ManualClock()
const host = { PATH: '/host/bin', HOME: '/host/home', HOST_OWN: 'host', NODE_OPTIONS: '--require /host.cjs' }

function environment(options: Partial<LocalEnvironmentOptions> = {}) {
  return new LocalEnvironment({ inheritEnv: [], allowEnv: [], clock, host, platform: 'linux', ...options })
}

/** What local code sees of the function's own variables. */
function own(variables: Record<string, string>, options: Partial<LocalEnvironmentOptions> = {}) {
  return environment({ host: {}, ...options }).of({ env: variables })
}

/** The lines that tell what was left out. */
function notices(subject: LocalEnvironment, env: Record<string, string>, functionId = 'api'): LogEntry[] {
  const lines: LogEntry[] = []
  subject.announce({ functionId, env, onLog: (line) => lines.push(line) })
  return lines
}

const nodeOptions = (value: string, options: Partial<LocalEnvironmentOptions> = {}) =>
  own({ NODE_OPTIONS: value }, options).NODE_OPTIONS

test.each([
  ...['NODE_OPTIONS', 'NODE_PATH', 'NODE_COMPILE_CACHE', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT'],
  ...['DYLD_INSERT_LIBRARIES', 'GCONV_PATH', 'OPENSSL_CONF', 'OPENSSL_MODULES', 'OPENSSL_ENGINES'],
  ...['BASH_ENV', 'BASH_FUNC_ls%%', 'SHELLOPTS', 'PS4', 'PYTHONPATH', 'PYTHONSTARTUP', 'PYTHONHOME'],
  ...['PYTHONINSPECT', 'PYTHONUSERBASE', 'PYTHONBREAKPOINT', 'PYTHONWARNINGS', 'PERL5LIB', 'PERL5OPT'],
  ...['RUBYOPT', 'RUBYLIB', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'JDK_JAVA_OPTIONS', 'DOTNET_STARTUP_HOOKS'],
  ...['CORECLR_PROFILER_PATH', 'COR_PROFILER', 'npm_config_script_shell', 'NPM_CONFIG_NODE_OPTIONS'],
  ...[
    'Npm_Config_Shell',
    'GIT_SSH',
    'GIT_SSH_COMMAND',
    'GIT_EXEC_PATH',
    'GIT_CONFIG_COUNT',
    'GIT_CONFIG_GLOBAL',
  ],
  ...['GIT_EXTERNAL_DIFF', 'GIT_ASKPASS', 'GIT_EDITOR', 'GIT_PAGER', 'GIT_PROXY_COMMAND', 'GIT_TEMPLATE_DIR'],
  ...['EDITOR', 'PAGER', 'BROWSER', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'PATH', 'HOME'],
  ...['AWS_PROFILE', 'XDG_CONFIG_HOME', 'ZDOTDIR', 'TAR_OPTIONS', 'KUBECONFIG', 'LAMBDA_TETHER_BOOTSTRAP'],
])('%s of the function is left out unless allowEnv names it', (name) => {
  expect(own({ [name]: '/attacker' })).toEqual({})
  expect(own({ [name]: '/attacker' }, { allowEnv: [name] })).toEqual({ [name]: '/attacker' })
})

test.each([
  ...[
    'ENV',
    'GIT_SHA',
    'GIT_COMMIT',
    'CC',
    'DEBUG',
    'NODE_ENV',
    'NODE_EXTRA_CA_CERTS',
    'TZ',
    'LANG',
    'LOG_LEVEL',
  ],
  ...[
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_ENDPOINT_URL',
    'DATABASE_URL',
    'UV_THREADPOOL_SIZE',
    'LDAP_URL',
  ],
  ...[
    'PYTHONUNBUFFERED',
    'DOTNET_gcServer',
    'CORS_ORIGIN',
    'LAMBDA_TETHER',
    'SST_LIVE',
    'path',
    'home',
    'editor',
  ],
])('%s of the function is its own', (name) => {
  expect(own({ [name]: 'value' })).toEqual({ [name]: 'value' })
})

test('the machine’s PATH and HOME replace the function’s', () => {
  expect(environment().of({ env: { PATH: '/attacker', HOME: '/attacker', TABLE: 'orders' } })).toEqual({
    PATH: '/host/bin',
    HOME: '/host/home',
    TABLE: 'orders',
  })
})

test('a guarded variable in inheritEnv is the machine’s, or the function’s if allowEnv names it too', () => {
  const variables = { NODE_OPTIONS: '--require /attacker.cjs', HOST_OWN: 'function' }
  const inheritEnv = ['NODE_OPTIONS', 'HOST_OWN']
  expect(environment({ inheritEnv }).of({ env: variables })).toMatchObject({
    NODE_OPTIONS: '--require /host.cjs',
    HOST_OWN: 'function',
  })
  expect(environment({ inheritEnv, allowEnv: ['NODE_OPTIONS'] }).of({ env: variables })).toMatchObject(
    variables,
  )
})

test.each([
  ['SHOP_*', ['SHOP_TABLE', 'SHOP_']],
  ['*_TABLE', ['SHOP_TABLE', 'MY_TABLE']],
  ['S*_T*E', ['SHOP_TABLE']],
  ['*', ['SHOP_TABLE', 'SHOP_', 'MY_TABLE', 'shop.table']],
  ['SHOP.*', []],
])('inheritEnv %s names all that it stands for', (pattern, names) => {
  const variables = { SHOP_TABLE: '1', SHOP_: '2', MY_TABLE: '3', 'shop.table': '4' }
  const seen = (platform: NodeJS.Platform) =>
    environment({ host: variables, inheritEnv: [pattern], platform }).of({ env: {} })
  expect(Object.keys(seen('linux'))).toEqual(names)
  if (pattern === 'SHOP_*')
    expect(
      environment({ host: { shop_x: '1' }, inheritEnv: [pattern], platform: 'win32' }).of({ env: {} }),
    ).toEqual({
      shop_x: '1',
    })
})

test('overrides of the host win over everything, without guard or notice', () => {
  const subject = environment({ inheritEnv: ['HOST_OWN'] })
  const env = { HOST_OWN: 'function', NODE_OPTIONS: '--require /attacker.cjs' }
  const overrides = { HOST_OWN: 'override', NODE_OPTIONS: '--require /mine.cjs', PATH: '/mine' }
  expect(subject.of({ env, overrides })).toEqual({ HOME: '/host/home', ...overrides })
  const lines: LogEntry[] = []
  subject.announce({ functionId: 'api', env, overrides, onLog: (line) => lines.push(line) })
  expect(lines).toEqual([])
})

test('a name that would become another variable is left out, even if in allowEnv', () => {
  const variables = {
    'LD_PRELOAD=/attacker.so:': '',
    'NODE_OPTIONS=--require /x --title': 'y',
    '': 'z',
    'A\0B': 'c',
  }
  expect(own(variables, { allowEnv: Object.keys(variables) })).toEqual({})
})

test('on Windows names have no case', () => {
  const variables = {
    Path: 'C:\\attacker',
    node_options: '--require C:\\attacker.cjs',
    psmodulepath: 'C:\\attacker',
  }
  expect(own(variables, { platform: 'win32' })).toEqual({})
  expect(own(variables, { platform: 'win32', allowEnv: ['PATH'] })).toEqual({ Path: 'C:\\attacker' })
})

test.each([
  ['--enable-source-maps', '--enable-source-maps'],
  [
    '--max-old-space-size=4096 --max_semi_space_size=16',
    '--max-old-space-size=4096 --max_semi_space_size=16',
  ],
  ['--no-warnings   --stack-trace-limit=50', '--no-warnings --stack-trace-limit=50'],
  ['--dns-result-order ipv4first --trace-warnings', '--dns-result-order=ipv4first --trace-warnings'],
  ['"--enable-source-maps"', '--enable-source-maps'],
])('NODE_OPTIONS %s is harmless', (value, kept) => {
  expect(nodeOptions(value)).toBe(kept)
  // As Node reads it.
  const env = { PATH: process.env.PATH, NODE_OPTIONS: kept }
  expect(execFileSync(process.execPath, ['-p', '1'], { env, encoding: 'utf8' })).toBe('1\n')
})

test.each([
  '--require /attacker.cjs',
  '--require=/attacker.cjs',
  '-r /attacker.cjs',
  '-r "/a b/attacker.cjs"',
  '--import data:text/javascript,1',
  '--loader=/attacker.mjs',
  '--experimental-loader /attacker.mjs',
  '--openssl-config=/attacker.cnf',
  '--inspect=0.0.0.0:9229',
  '--diagnostic-dir=/attacker',
  '--redirect-warnings=/attacker',
  '--icu-data-dir=/attacker',
  '--env-file=/attacker',
  '--enable-source-maps=x --require',
  '--max-old-space-size=1"\u0020--require=/attacker.cjs"',
  '--dns-result-order --require=/attacker.cjs',
  '--stack-trace-limit=1\t--require=/attacker.cjs',
  '--unhandled-rejections="strict --require=/attacker.cjs"',
  '--toString --constructor=1 --__proto__',
])('NODE_OPTIONS %s does not reach Node', (value) => {
  expect(nodeOptions(value)).toBeUndefined()
  const kept = nodeOptions(`--enable-source-maps ${value} --no-deprecation`) ?? ''
  expect(kept.split(' ').sort()).toEqual(['--enable-source-maps', '--no-deprecation'])
})

test.each([
  ['NODE_OPTIONS', '--require /opt/nodejs/instrument.cjs', undefined],
  [
    'NODE_OPTIONS',
    '-r "/opt/a b.cjs" --import file:///opt/x.mjs --import=/var/task/y.mjs --no-warnings',
    '--no-warnings',
  ],
  [
    'NODE_OPTIONS',
    '--require ./mine.cjs --require /opt/x.cjs -r /option.cjs',
    '--require ./mine.cjs -r /option.cjs',
  ],
  ['NODE_OPTIONS', '--require "/my own/x.cjs"', '--require "/my own/x.cjs"'],
  ['JAVA_TOOL_OPTIONS', '-javaagent:/opt/java/agent.jar=a,b -Xmx1g', '-Xmx1g'],
  ['JAVA_TOOL_OPTIONS', "-Dname='a b' -javaagent:'/opt/a b.jar' --module-path /opt/lib", "-Dname='a b'"],
  ['DOTNET_STARTUP_HOOKS', '/opt/hook.dll:/mine/hook.dll:/var/runtime/x.dll', '/mine/hook.dll'],
  ['DOTNET_STARTUP_HOOKS', '/opt/hook.dll', undefined],
])('allowEnv lets %s=%s through, except files of Lambda’s own', (name, value, rest) => {
  expect(own({ [name]: value }, { allowEnv: [name] })[name]).toBe(rest)
})

test('one line reports each omitted variable, once per function', () => {
  const subject = environment()
  const env = {
    NODE_PATH: '/attacker',
    TABLE: 'orders',
    NODE_OPTIONS: '--no-warnings --require /attacker.cjs',
  }
  expect(notices(subject, env)).toEqual([
    {
      stream: 'stderr',
      level: 'warn',
      time: clock.now(),
      text: "[lambda-tether] NODE_PATH of the function's environment is left out: Node looks for modules in the folders it names. The executor's option allowEnv lets it through.",
    },
    {
      stream: 'stderr',
      level: 'warn',
      time: clock.now(),
      text: "[lambda-tether] Part of NODE_OPTIONS of the function's environment is left out: Node loads and runs modules by it. The executor's option allowEnv lets it through.",
    },
  ])
  expect(notices(subject, { ...env, NODE_PATH: '/other' })).toEqual([])
  expect(notices(subject, { NODE_PATH: '/attacker' }, 'other')).toHaveLength(1)
})

test('a variable with the machine’s own value is not reported', () => {
  expect(notices(environment(), { HOME: '/host/home', TABLE: 'orders' })).toEqual([])
})

test('files of Lambda’s own are reported without useless advice', () => {
  const subject = environment({ allowEnv: ['NODE_OPTIONS'] })
  expect(notices(subject, { NODE_OPTIONS: '--require /opt/x.cjs' }).map(({ text }) => text)).toEqual([
    "[lambda-tether] NODE_OPTIONS of the function's environment is left out: its files exist on Lambda only.",
  ])
})

test('names without end, or made for a terminal, fill neither log nor memory', () => {
  const subject = environment()
  const names = Array.from({ length: 10_000 }, (_, index) => `LD_\u001b[2J${index}${'x'.repeat(1_000)}`)
  const lines = notices(subject, Object.fromEntries(names.map((name) => [name, ''])))
  expect(lines).toHaveLength(100)
  expect(lines[0]!.text).toMatch(/^\[lambda-tether\] LD_\?\[2J0x{92} of/)
  expect(lines.every(({ text }) => text.length < 300)).toBe(true)
})

test('the documentation has the whole list, with the reasons', () => {
  const page = readFileSync(new URL('../../docs/local-code.md', import.meta.url), 'utf8')
  const rows = GUARDED_VARIABLES.map(
    ({ names, reason }) => `| ${names.map((name) => `\`${name}\``).join(', ')} | ${reason} |`,
  )
  expect(rows.filter((row) => !page.includes(row))).toEqual([])
})
