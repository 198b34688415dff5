import { RawPosts } from '../carriers/api-gateway-post.js'

const OK = { payload: Buffer.from('{"statusCode":200}') }

/**
 * What takes the raw echo's connections, which name themselves in their URLs, in the relay's place. Whatever these send, they
 * are posted the ids of their own connection and of the one that answers; all else is the relay's.
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
