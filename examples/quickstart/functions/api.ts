import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda'

const greeting = 'Hello from this machine'

export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyResultV2> {
  const message = `${greeting}, ${event.queryStringParameters?.name ?? 'world'}!`
  await publish(message)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message, live: process.env.SST_LIVE === 'true' }),
  }
}

// The request of the AWS SDK's PublishCommand, without its signature: the local topic requires none.
async function publish(message: string): Promise<void> {
  const { AWS_ENDPOINT_URL_SNS, TOPIC_ARN } = process.env as Record<string, string>
  const body = new URLSearchParams({ Action: 'Publish', TopicArn: TOPIC_ARN!, Message: message })
  const response = await fetch(AWS_ENDPOINT_URL_SNS!, { method: 'POST', body })
  if (!response.ok) throw new Error(`The topic answered ${response.status}: ${await response.text()}`)
}
