import { expect, test } from 'vitest'
import { mutantTables } from './mutant-table.js'

test('docs/mutants.md says what is so', async () => {
  // `npm run docs:mutants` writes it.
  await expect(await mutantTables()).toMatchFileSnapshot('../../docs/mutants.md')
})
