import { expect, test } from 'vitest'
import { mutantTables } from './mutant-table.js'

// Every broken transport runs, which takes seconds of computing.
test('docs/mutants.md says what is so', { timeout: 120_000 }, async () => {
  // `npm run docs:mutants` writes it.
  await expect(await mutantTables()).toMatchFileSnapshot('../../docs/mutants.md')
})
