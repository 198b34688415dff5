import { parentPort } from 'node:worker_threads'
import { echo } from './echo.js'

parentPort.on('message', (event) => {
  const answer = echo(event)
  parentPort.postMessage(answer, [answer.buffer])
})
