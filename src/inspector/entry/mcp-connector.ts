#!/usr/bin/env node
import { createInterface } from 'node:readline'
import { Connector } from '../mcp/connector.js'

const connector = new Connector(process.cwd(), (line) => process.stdout.write(`${line}\n`))
// Ends with standard input, after the forwarded messages are answered.
createInterface({ input: process.stdin }).on('line', (line) => void connector.forward(line))
