import { percentEncode } from '../../aws/query.js'
import { defined } from '../../core/base/defined.js'
import { AwsError, type CallAws } from './aws.js'

/** The API's connections, through its management API. */
export class RelayPosts {
  readonly #call: CallAws
  readonly #url: string

  /** @param url of the API's stage, such as `https://abc.execute-api.eu-west-1.amazonaws.com/dev` */
  constructor(call: CallAws, url: string) {
    this.#call = call
    this.#url = url
  }

  /** Sends a text to a client. @returns false if no such client is connected. @throws AwsError */
  async post(connectionId: string, text: string): Promise<boolean> {
    return this.#ask('POST', connectionId, text)
  }

  /** Ends a client's connection, if still open. @throws AwsError */
  async disconnect(connectionId: string): Promise<void> {
    await this.#ask('DELETE', connectionId)
  }

  async #ask(method: 'POST' | 'DELETE', connectionId: string, body?: string): Promise<boolean> {
    const url = `${this.#url}/@connections/${percentEncode(connectionId)}`
    try {
      await this.#call(defined({ service: 'execute-api', method, url, body }))
      return true
    } catch (error) {
      if (error instanceof AwsError && error.status === 410) return false
      throw error
    }
  }
}
