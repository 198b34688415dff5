import type { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import type { Post, PostAnswer, Poster } from './posts.js'

const INSTALL = 'npm install @aws-sdk/client-apigatewaymanagementapi'

/** Loads the AWS SDK's client on first use. @throws TetherError `MISSING_DEPENDENCY` */
export async function loadManagementApi(): Promise<typeof import('@aws-sdk/client-apigatewaymanagementapi')> {
  try {
    return await import('@aws-sdk/client-apigatewaymanagementapi')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      `apiGateway() posts to connections by the AWS SDK. Run: ${INSTALL}`,
      { cause },
    )
  }
}

/** Posts with the AWS SDK. */
export class SdkPoster implements Poster {
  readonly #client: ApiGatewayManagementApiClient

  /** @param client owned by this poster; makes one attempt per request */
  constructor(client: ApiGatewayManagementApiClient) {
    this.#client = client
  }

  async post({ connectionId, text, at, signal }: Post): Promise<PostAnswer> {
    const { PostToConnectionCommand } = await loadManagementApi()
    // The SDK adds this offset to the machine's clock when it signs.
    this.#client.config.systemClockOffset = at - Date.now()
    const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: Buffer.from(text) })
    try {
      const { $metadata } = await this.#client.send(command, { abortSignal: signal })
      return { statusCode: $metadata.httpStatusCode ?? 200 }
    } catch (error) {
      const { $metadata, $response } = error as {
        $metadata?: { httpStatusCode?: number }
        $response?: { headers?: Record<string, string> }
      }
      const statusCode = $metadata?.httpStatusCode
      // Without a status it was the network, or there were no credentials.
      if (statusCode === undefined) throw error
      const date = $response?.headers?.date
      return defined({ statusCode, date })
    }
  }

  close(): void {
    this.#client.destroy()
  }
}
