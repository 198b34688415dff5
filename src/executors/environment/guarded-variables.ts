/**
 * Variables that make an interpreter, a loader or a common tool load or run code, or use other credentials. A holder of
 * a stub's key chooses the function's variables, so these reach local code only if `allowEnv` names them. A name that
 * ends with `*` is a prefix. In a reason, "it" is the variable.
 *
 * `docs/local-code.md` lists them. Names that functions use for their own purposes (`ENV`, `GIT_SHA`, `CC`, `DEBUG`) do
 * not belong in this table.
 */
export const GUARDED_VARIABLES: readonly { readonly reason: string; readonly names: readonly string[] }[] = [
  { reason: 'programs are looked for in the folders it names', names: ['PATH', 'PATHEXT'] },
  {
    reason: 'shells and tools read settings, and with them commands, in the folder it names',
    names: ['HOME', 'XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'ZDOTDIR', 'CURL_HOME', 'WGETRC', 'PSQLRC'],
  },
  {
    reason: 'Windows programs read settings or look for programs in the folder it names',
    names: ['USERPROFILE', 'HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'SYSTEMROOT', 'WINDIR'],
  },
  // The system's loader and libraries
  { reason: 'the dynamic loader loads libraries by it', names: ['LD_*', 'DYLD_*'] },
  { reason: 'the C library loads character set modules from the folders it names', names: ['GCONV_PATH'] },
  {
    reason: 'OpenSSL loads libraries by it, into Node as well',
    names: ['OPENSSL_CONF', 'OPENSSL_MODULES', 'OPENSSL_ENGINES'],
  },
  // Node and its tools
  { reason: 'Node loads and runs modules by it', names: ['NODE_OPTIONS', 'NODE_REPL_EXTERNAL_MODULE'] },
  { reason: 'Node looks for modules in the folders it names', names: ['NODE_PATH'] },
  { reason: 'Node runs compiled code from the folder it names', names: ['NODE_COMPILE_CACHE'] },
  { reason: 'Node writes to the file it names', names: ['NODE_REDIRECT_WARNINGS', 'NODE_V8_COVERAGE'] },
  { reason: 'npm runs programs by it', names: ['npm_config_*'] },
  { reason: 'Yarn runs programs by it', names: ['YARN_*'] },
  { reason: 'Bun loads and runs modules by it', names: ['BUN_OPTIONS'] },
  { reason: 'esbuild runs the program it names', names: ['ESBUILD_BINARY_PATH'] },
  { reason: 'ts-node loads modules by it', names: ['TS_NODE_*'] },
  {
    reason: "a debugger's module connects to the address it names, and takes code from there",
    names: ['VSCODE_INSPECTOR_OPTIONS', 'JB_*', 'JETBRAINS_*'],
  },
  { reason: "it configures this package's own parts", names: ['LAMBDA_TETHER_*'] },
  // Shells
  { reason: 'a shell runs the file or the command it names', names: ['BASH_ENV', 'PS4', 'PROMPT_COMMAND'] },
  { reason: 'bash takes functions and options from it', names: ['BASH_FUNC_*', 'SHELLOPTS', 'BASHOPTS'] },
  { reason: 'tools run commands with the program it names', names: ['SHELL', 'COMSPEC'] },
  { reason: 'PowerShell loads modules from the folders it names', names: ['PSModulePath'] },
  // Other languages
  {
    reason: 'Python loads and runs modules by it',
    names: [
      ...['PYTHONPATH', 'PYTHONSTARTUP', 'PYTHONHOME', 'PYTHONINSPECT', 'PYTHONUSERBASE', 'PYTHONBREAKPOINT'],
      ...[
        'PYTHONWARNINGS',
        'PYTHONPYCACHEPREFIX',
        'PYTHONPLATLIBDIR',
        'PYTHONEXECUTABLE',
        '__PYVENV_LAUNCHER__',
      ],
    ],
  },
  { reason: 'pip installs code from places it names', names: ['PIP_*'] },
  { reason: 'Perl loads and runs modules by it', names: ['PERL5*', 'PERLLIB'] },
  {
    reason: 'Ruby loads and runs files by it',
    names: ['RUBYOPT', 'RUBYLIB', 'GEM_HOME', 'GEM_PATH', 'BUNDLE_*'],
  },
  { reason: 'PHP loads and runs files by it', names: ['PHPRC', 'PHP_INI_SCAN_DIR'] },
  {
    reason: 'Java loads agents and classes by it',
    names: [
      ...['JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'JDK_JAVA_OPTIONS', 'JAVA_OPTS', 'CLASSPATH'],
      ...['JAVA_HOME', 'MAVEN_OPTS', 'MAVEN_ARGS', 'GRADLE_OPTS'],
    ],
  },
  {
    reason: '.NET loads libraries by it',
    names: [
      ...['DOTNET_STARTUP_HOOKS', 'DOTNET_ADDITIONAL_DEPS', 'DOTNET_SHARED_STORE', 'DOTNET_ROOT*'],
      ...['CORECLR_*', 'COR_*'],
    ],
  },
  {
    reason: 'the Go command runs programs by it',
    names: ['GOFLAGS', 'GOENV', 'GOROOT', 'GOPATH', 'GOPROXY', 'GOTOOLCHAIN', 'GOCACHEPROG', 'CGO_*'],
  },
  { reason: 'Cargo runs programs by it', names: ['CARGO_*', 'RUSTC*', 'RUSTFLAGS', 'RUSTUP_*'] },
  // Tools
  {
    reason: 'git runs programs by it',
    names: [
      ...['GIT_SSH*', 'GIT_EXEC_PATH', 'GIT_CONFIG*', 'GIT_EXTERNAL_DIFF', 'GIT_ASKPASS', 'GIT_EDITOR'],
      ...['GIT_SEQUENCE_EDITOR', 'GIT_PAGER', 'GIT_PROXY_COMMAND', 'GIT_TEMPLATE_DIR', 'GIT_DIR'],
      ...['GIT_COMMON_DIR', 'GIT_ALLOW_PROTOCOL', 'SSH_ASKPASS'],
    ],
  },
  { reason: 'tools run the program it names', names: ['EDITOR', 'VISUAL', 'PAGER', 'MANPAGER', 'BROWSER'] },
  { reason: 'less runs the command it names', names: ['LESSOPEN', 'LESSCLOSE'] },
  { reason: 'tar runs commands by it', names: ['TAR_OPTIONS'] },
  { reason: 'make runs commands by it', names: ['MAKEFLAGS', 'MAKEFILES'] },
  { reason: 'rsync runs the program it names', names: ['RSYNC_RSH'] },
  {
    reason: 'credentials come from a program that the file it names may name',
    names: [
      ...['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'KUBECONFIG', 'DOCKER_CONFIG', 'CLOUDSDK_CONFIG'],
      'GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES',
    ],
  },
  {
    reason: "it selects credentials of this machine's in place of the function's",
    names: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
  },
]

const exact = new Map<string, string>()
const exactWithoutCase = new Map<string, string>()
const prefixes: { readonly prefix: string; readonly reason: string }[] = []
for (const { reason, names } of GUARDED_VARIABLES) {
  for (const name of names) {
    const upper = name.toUpperCase()
    if (name.endsWith('*')) prefixes.push({ prefix: upper.slice(0, -1), reason })
    else {
      exact.set(name, reason)
      exactWithoutCase.set(upper, reason)
    }
  }
}

/** Returns the reason for leaving out a variable of the function; undefined if it may pass. */
export function guardReason(name: string, platform: NodeJS.Platform): string | undefined {
  const upper = name.toUpperCase()
  const reason = platform === 'win32' ? exactWithoutCase.get(upper) : exact.get(name)
  // npm reads its variables in any case, and functions have no others with such a prefix in small letters.
  return reason ?? prefixes.find(({ prefix }) => upper.startsWith(prefix))?.reason
}
