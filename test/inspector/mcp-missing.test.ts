import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Inspected } from './inspected.js'

vi.mock('@modelcontextprotocol/server', () => {
  throw new Error("Cannot find package '@modelcontextprotocol/server'")
})

describe('without the package of the Model Context Protocol', () => {
  let inspected: Inspected
  beforeAll(async () => {
    inspected = await Inspected.start({})
  })
  afterAll(() => inspected[Symbol.asyncDispose]())

  it('agents are told what to install, and the rest works', async () => {
    const answer = await inspected.post('/mcp')
    expect(answer.status).toBe(409)
    expect(answer.json).toEqual({
      error: {
        code: 'MISSING_DEPENDENCY',
        message:
          'Agents need @modelcontextprotocol/server. Run: npm install --save-dev @modelcontextprotocol/server',
      },
    })
    expect((await inspected.api('/api/status')).status).toBe(200)
  })
})
