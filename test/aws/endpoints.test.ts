import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { endpointRegion, partitionOf, serviceHost } from '../../src/aws/endpoints.js'

const REGIONS = [
  ['eu-west-1', 'aws'],
  ['us-east-1', 'aws'],
  ['mx-central-1', 'aws'],
  ['cn-northwest-1', 'aws-cn'],
  ['us-gov-east-1', 'aws-us-gov'],
  ['eusc-de-east-1', 'aws-eusc'],
  ['us-iso-west-1', 'aws-iso'],
  ['us-isob-east-1', 'aws-iso-b'],
  ['eu-isoe-west-1', 'aws-iso-e'],
  ['us-isof-south-1', 'aws-iso-f'],
] as const

describe.each(REGIONS)('the region %s', (region, partition) => {
  test(`lies in ${partition}`, () => {
    expect(partitionOf(region)).toBe(partition)
  })

  test('has its services where the AWS SDK finds them', () => {
    const client = new DynamoDBClient({ region })
    const found = client.config.endpointProvider({ Region: region, UseDualStack: false, UseFIPS: false })
    expect(serviceHost('dynamodb', region)).toBe(found.url.host)
  })

  test('is read from their names', () => {
    const host = serviceHost('execute-api', region)
    expect(endpointRegion(`wss://abc123.${host}/dev`, 'execute-api')).toBe(region)
    expect(endpointRegion(`wss://abc123.${host}/dev`, 'iot')).toBeUndefined()
  })
})

test.each([
  'wss://tether.example.com',
  'ws://127.0.0.1:4711',
  'wss://iot.example.com',
  'wss://x.iot.example.com',
])('%s names no region', (url) => {
  expect(endpointRegion(url, 'iot')).toBeUndefined()
})
