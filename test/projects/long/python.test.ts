import { expect, test } from 'vitest'
import { childProcesses } from '../../../src/executors/child-process.js'
import { ServedProject } from '../served-project.js'
import { run } from './installed.js'

const totals = (version: string) => ({
  'src/shop/totals.py': `def total(amounts):\n    return {"version": "${version}", "total": sum(amounts)}\n`,
})

test('a src layout with a virtual environment answers and reloads', async () => {
  await using project = await ServedProject.create({
    'pyproject.toml': '[project]\nname = "shop"\nversion = "1.0.0"\n',
    'src/shop/__init__.py': '',
    'src/shop/api.py': [
      'import idna',
      'from shop.totals import total',
      'from .names import name',
      'def handler(event, context):',
      '    return {**total(event["amounts"]), "host": idna.encode(name).decode()}',
    ].join('\n'),
    'src/shop/names.py': 'name = "bücher.example"\n',
    ...totals('first'),
  })
  await run('python3', ['-m', 'venv', '.venv'], project.folder)
  await run(project.at('.venv/bin/python'), ['-m', 'pip', 'install', '--quiet', 'idna'], project.folder)
  await project.serve(childProcesses(), { api: 'src/shop/api.py' })
  const answer = { total: 3, host: 'xn--bcher-kva.example' }
  expect(await project.invoke('api', { amounts: [1, 2] })).toEqual({ version: 'first', ...answer })
  await project.save('api', totals('second'))
  expect(await project.invoke('api', { amounts: [1, 2] })).toEqual({ version: 'second', ...answer })
}, 240_000)
