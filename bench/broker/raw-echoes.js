import { RawPosts } from '../carriers/api-gateway-post.js'

const OK = { payload: Buffer.from('{"statusCode":200}') }

/**
 * Handles the raw echo's connections in the relay's place; they name themselves in their URLs. For each of their
 * messages it posts them the ids of their own connection and of the answering one; the relay handles everything else.
 * @param apiOf gives the WebSocket API
 */
export function besideRawEchoes(relay, apiOf) {
  let posts
  return {
    async invoke(event, options) {
      const { connectionId: own, eventType } = event.requestContext
      if (event.queryStringParameters?.raw !== undefined) return OK
      const api = apiOf()
      const raw = api.connections().filter(({ query }) => query.raw !== undefined)
      if (eventType !== 'MESSAGE' || !raw.some(({ connectionId }) => connectionId === own))
        return relay.invoke(event, options)
      const echo = raw.find(({ query }) => query.raw === 'echo').connectionId
      posts ??= new RawPosts(api.endpoint)
      await posts.post(own, JSON.stringify({ own, echo }))
      return OK
    },
  }
}
