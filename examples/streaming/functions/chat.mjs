import { setTimeout as wait } from 'node:timers/promises'
import { page } from './page.mjs'

const { streamifyResponse, HttpResponseStream } = globalThis.awslambda

/** A page at `/`; at `/events` an answer word by word, as a model gives one: server-sent events. */
export const handler = streamifyResponse(async (event, responseStream) => {
  const isPage = event.rawPath === '/'
  const type = isPage ? 'text/html; charset=utf-8' : 'text/event-stream'
  const headers = { 'content-type': type, 'cache-control': 'no-store' }
  const stream = HttpResponseStream.from(responseStream, { statusCode: 200, headers })
  if (isPage) {
    stream.write(page)
  } else {
    for (const word of answerTo(event.queryStringParameters?.question ?? 'nothing')) {
      stream.write(`data: ${JSON.stringify({ word })}\n\n`)
      await wait(60)
    }
    stream.write('event: done\ndata: {}\n\n')
  }
  stream.end()
})

// Change the text, save, and ask again.
function answerTo(question) {
  const answer = `You ask about ${question}. This code runs on your machine, and each word leaves as it is written.`
  return answer.split(' ')
}
