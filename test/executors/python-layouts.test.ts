import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import type { FunctionBuild } from '../../src/index.js'
import { file } from '../../src/sources/file.js'
import { errorOf, handlerProject, resultOf, taskFor } from './handler-project.js'

const executor = childProcesses()
afterAll(() => executor.close())

const run = async (build: FunctionBuild) =>
  executor.execute(taskFor('', {}, { build, functionId: JSON.stringify(build) }))
const answering = (imports: string, value: string) =>
  `${imports}\ndef handler(event, context):\n    return ${value}\n`

test.each([
  ['a neighbour by relative import', 'from .util import WORD', 'WORD'],
  ['a neighbour by its folder', 'from src.util import WORD', 'WORD'],
  ['a neighbour as on Lambda where the folder is the root', 'from util import WORD', 'WORD'],
  ['a module of the folder above', 'from ..shared.names import WORD', 'WORD'],
  ['a module of another folder of the root', 'from shared.names import WORD', 'WORD'],
])('a folder without __init__.py is a package: %s', async (_, imports, value) => {
  await using project = await handlerProject({
    'services/report/src/util.py': "WORD = 'found'",
    'services/report/shared/names.py': "WORD = 'found'",
    'services/report/src/app.py': answering(imports, value),
  })
  expect(resultOf(await run(await file(join(project.folder, 'services/report/src/app.py')).load()))).toBe(
    'found',
  )
})

test('a package of a src layout is one package, however it is imported', async () => {
  await using project = await handlerProject({
    'pyproject.toml': '',
    'src/shop/__init__.py': '',
    'src/shop/models.py': 'class Order: pass',
    'src/shop/api/__init__.py': '',
    'src/shop/api/app.py': answering(
      'from shop.models import Order\nfrom ..models import Order as Same\nimport src.shop.models',
      '[Order is Same, __name__]',
    ),
  })
  const build = await file(join(project.folder, 'src/shop/api/app.py')).load()
  expect(resultOf(await run(build))).toEqual([true, 'shop.api.app'])
})

test.each(['email', 'test', 'code', '__main__'])(
  'a folder called %s hides no module of Python’s',
  async (name) => {
    await using project = await handlerProject({
      [`${name}/util.py`]: 'WORD = 1',
      [`${name}/app.py`]: answering(
        'import code, email, test\nfrom util import WORD',
        '[WORD, __name__, hasattr(code, "interact"), hasattr(email, "message_from_string")]',
      ),
    })
    const build = await file(join(project.folder, name, 'app.py')).load()
    expect(resultOf(await run(build))).toEqual([
      1,
      name === '__main__' ? expect.any(String) : 'app',
      true,
      true,
    ])
  },
)

test('a module that its own package imports is loaded once', async () => {
  await using project = await handlerProject({
    'shop/__init__.py': 'from .app import handler',
    'shop/app.py': answering(
      'import builtins\nbuiltins.loads = getattr(builtins, "loads", 0) + 1',
      'builtins.loads',
    ),
  })
  expect(resultOf(await run(await file(join(project.folder, 'shop/app.py')).load()))).toBe(1)
})

test('an error in a package’s own __init__.py is the outcome', async () => {
  await using project = await handlerProject({
    'shop/__init__.py': 'import nowhere_to_be_found',
    'shop/app.py': answering('', '1'),
  })
  expect(errorOf(await run(await file(join(project.folder, 'shop/app.py')).load()))).toMatchObject({
    errorType: 'Runtime.ImportModuleError',
    errorMessage: expect.stringContaining('nowhere_to_be_found'),
  })
})

test('a root that is given is the only folder before Python’s own', async () => {
  await using project = await handlerProject({
    'deployed/util.py': "WORD = 'of the root'",
    'deployed/functions/util.py': "WORD = 'of the folder'",
    'deployed/functions/app.py': answering(
      'import sys\nfrom util import WORD',
      '[WORD, __name__, sys.path[0]]',
    ),
  })
  const root = join(project.folder, 'deployed')
  const build = await file(join(root, 'functions/app.py'), { taskRoot: root }).load()
  expect(resultOf(await run(build))).toEqual(['of the root', 'functions.app', root])
})

test('a root is a folder at or above the file', () => {
  expect(() => file('./src/app.py', { taskRoot: './lib' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining("'taskRoot'") }),
  )
})

test('a project runs in its own virtual environment', async () => {
  await using project = await handlerProject({
    'pyproject.toml': '',
    'src/app.py': answering('import sys\nfrom installed import WORD', '[WORD, sys.prefix]'),
  })
  const environment = join(project.folder, '.venv')
  execFileSync('python3', ['-m', 'venv', '--without-pip', environment])
  const lib = join(environment, 'lib')
  const [version = ''] = readdirSync(lib)
  await project.write(`.venv/lib/${version}/site-packages/installed.py`, "WORD = 'installed'")
  const build = await file(join(project.folder, 'src/app.py')).load()
  expect(resultOf(await run(build))).toEqual(['installed', environment])
})
