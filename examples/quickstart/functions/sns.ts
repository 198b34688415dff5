import type { SNSEvent } from 'aws-lambda'

export async function handler(event: SNSEvent): Promise<void> {
  for (const { Sns } of event.Records) console.log(`The topic says: ${Sns.Message}`)
}
