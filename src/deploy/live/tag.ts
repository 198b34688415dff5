import type { AbortOptions } from '../../core/contracts/transport.js'
import type { SnapshotStore } from '../snapshot/snapshot.js'
import { type Account, abortable, awsFailure } from './account.js'

/** The tag of a live function. Holds the snapshot's id and a description of its location. */
export const SNAPSHOT_TAG = 'lambda-tether:snapshot'
const MAX_VALUE_LENGTH = 256

/** Tags a function with its snapshot's id and location. @throws TetherError `DEPLOY_FAILED` */
export async function tagSnapshot(
  { lambda, commands }: Account,
  functionArn: string,
  id: string,
  { snapshots, signal }: AbortOptions & { readonly snapshots: SnapshotStore },
): Promise<void> {
  const value = tagText(`${id} ${snapshots.location}`)
  const command = new commands.TagResourceCommand({ Resource: functionArn, Tags: { [SNAPSHOT_TAG]: value } })
  await lambda.send(command, abortable(signal)).catch((error: unknown) => {
    throw awsFailure(`Tagging ${functionArn}`, error, signal)
  })
}

/** Removes the tag. A missing tag is no error. @throws TetherError `DEPLOY_FAILED` */
export async function untagSnapshot(
  { lambda, commands }: Account,
  functionArn: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = new commands.UntagResourceCommand({ Resource: functionArn, TagKeys: [SNAPSHOT_TAG] })
  await lambda.send(command, abortable(signal)).catch((error: unknown) => {
    throw awsFailure(`Untagging ${functionArn}`, error, signal)
  })
}

/** Returns the snapshot's id from a function's tags. */
export function taggedSnapshot(tags: Readonly<Record<string, string>>): string | undefined {
  return /^[0-9a-f]{16}\b/.exec(tags[SNAPSHOT_TAG] ?? '')?.[0]
}

// Allowed characters and length of a value: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
function tagText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 +\-=._:/@]/g, '_').slice(0, MAX_VALUE_LENGTH)
}
