import { defined } from '../../core/base/defined.js'
import { type Account, abortable, awsFailure, everyPage, isAwsError } from './account.js'
import type { FunctionDetails } from './function.js'

/** Whether a function's URL streams responses; `unknown` without the permission to read it. */
export type UrlStreams = boolean | 'unknown'

/**
 * Reads whether the URL of `$LATEST` has the invoke mode `RESPONSE_STREAM`. URLs of aliases do not matter: aliases do
 * not go live.
 * @throws TetherError `DEPLOY_FAILED`, `ABORTED`
 */
export async function urlStreams(
  { lambda, commands }: Account,
  { functionName, functionArn }: FunctionDetails,
  signal: AbortSignal | undefined,
): Promise<UrlStreams> {
  try {
    const urls = await everyPage(async (marker) => {
      const command = new commands.ListFunctionUrlConfigsCommand(
        defined({ FunctionName: functionName, Marker: marker }),
      )
      const { FunctionUrlConfigs, NextMarker } = await lambda.send(command, abortable(signal))
      return { items: FunctionUrlConfigs, next: NextMarker }
    })
    return urls.some((url) => url.FunctionArn === functionArn && url.InvokeMode === 'RESPONSE_STREAM')
  } catch (error) {
    if (isAwsError(error, 'AccessDeniedException')) return 'unknown'
    throw awsFailure(`Listing the URLs of ${functionName}`, error, signal)
  }
}
