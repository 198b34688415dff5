import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pythonModule, pythonProgram } from '../../src/executors/process/python-project.js'
import { handlerProject } from './handler-project.js'

const elsewhere = { cwd: '/nowhere' }

async function project(...files: string[]) {
  const made = await handlerProject(Object.fromEntries(files.map((file) => [file, ''])))
  return {
    at: (path: string) => join(made.folder, path),
    folder: made.folder,
    [Symbol.asyncDispose]: made[Symbol.asyncDispose],
  }
}

test.each(['pyproject.toml', 'requirements.txt', 'setup.py', 'Pipfile', 'uv.lock'])(
  'the nearest folder with a %s is the root',
  async (marker) => {
    await using made = await project(`report/${marker}`, 'report/src/app.py', 'pyproject.toml')
    expect(pythonModule(made.at('report/src/app.py'), undefined, { cwd: made.folder })).toEqual({
      name: 'src.app',
      first: [made.at('report/src'), made.at('report')],
      last: [made.folder],
    })
  },
)

test('the working directory is the topmost and the default root', async () => {
  await using made = await project('pyproject.toml', 'service/src/app.py')
  expect(pythonModule(made.at('service/src/app.py'), undefined, { cwd: made.at('service') })).toEqual({
    name: 'src.app',
    first: [made.at('service/src'), made.at('service')],
    last: [],
  })
})

test('a module of a package is named from where its packages start', async () => {
  await using made = await project(
    'pyproject.toml',
    'src/shop/__init__.py',
    'src/shop/api/__init__.py',
    'src/shop/api/app.py',
  )
  expect(pythonModule(made.at('src/shop/api/app.py'), undefined, elsewhere)).toEqual({
    name: 'shop.api.app',
    first: [made.at('src'), made.folder],
    last: [made.at('src/shop/api'), made.at('src/shop'), '/nowhere'],
  })
})

test('a root that is given is searched first and alone, as on Lambda', async () => {
  await using made = await project('code/functions/report/app.py', 'code/functions/report/requirements.txt')
  expect(pythonModule(made.at('code/functions/report/app.py'), made.at('code'), elsewhere)).toEqual({
    name: 'functions.report.app',
    first: [made.at('code')],
    last: [made.at('code/functions/report'), made.at('code/functions'), '/nowhere'],
  })
})

test('outside of the working directory the repository is searched last, else the folders of the same user', async () => {
  await using made = await project('shared/services/report/app.py')
  const app = made.at('shared/services/report/app.py')
  const found = pythonModule(app, undefined, elsewhere)
  expect(found.first).toEqual([made.at('shared/services/report')])
  expect(found.last).toContain(made.folder)
  expect(found.last).not.toContain(join(made.folder, '..'))
  chmodSync(made.folder, 0o777)
  expect(pythonModule(app, undefined, elsewhere)).toMatchObject({
    name: 'services.report.app',
    last: [made.at('shared/services'), made.at('shared'), '/nowhere'],
  })
  mkdirSync(made.at('shared/services/.git'))
  expect(pythonModule(app, undefined, elsewhere)).toMatchObject({
    name: 'report.app',
    last: [made.at('shared/services'), '/nowhere'],
  })
})

test('a folder with a dot in its name is no package', async () => {
  await using made = await project('pyproject.toml', 'v1.2/api/app.test.py', 'v1.2/app.py')
  expect(pythonModule(made.at('v1.2/api/app.test.py'), undefined, elsewhere).name).toBe('api.app_test')
  expect(pythonModule(made.at('v1.2/app.py'), undefined, elsewhere).name).toBe('app')
})

test('Python comes from the nearest .venv, else the activated environment, else the PATH', async () => {
  const program = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'
  await using made = await project(
    `.venv/${program}`,
    `report/.venv/${program}`,
    'report/src/app.py',
    'jobs/app.py',
    `mine/${program}`,
  )
  await using other = await project('app.py')
  const host = { cwd: made.folder, activated: made.at('mine') }
  expect(pythonProgram(made.at('report/src/app.py'), undefined, host)).toBe(
    made.at(`report/.venv/${program}`),
  )
  expect(pythonProgram(made.at('jobs/app.py'), undefined, host)).toBe(made.at(`.venv/${program}`))
  expect(pythonProgram(other.at('app.py'), undefined, host)).toBe(made.at(`mine/${program}`))
  expect(pythonProgram(other.at('app.py'), undefined, { ...host, activated: undefined })).toBe('python3')
  expect(pythonProgram(other.at('app.py'), undefined, { ...host, activated: other.folder })).toBe('python3')
})

test('a repository shares its .venv with services that are run from their own folders', async () => {
  const program = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'
  await using made = await project(`.venv/${program}`, 'service/app.py')
  const host = { cwd: made.at('service'), activated: undefined }
  expect(pythonProgram(made.at('service/app.py'), undefined, host)).toBe('python3')
  mkdirSync(made.at('.git'))
  expect(pythonProgram(made.at('service/app.py'), undefined, host)).toBe(made.at(`.venv/${program}`))
})
