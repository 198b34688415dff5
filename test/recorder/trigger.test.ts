import { expect, it } from 'vitest'
import { triggerOf } from '../../src/recorder/trigger.js'

it.each([
  [
    'apigw-http',
    {
      version: '2.0',
      requestContext: { http: { method: 'GET' }, domainName: 'a.execute-api.eu-west-1.amazonaws.com' },
    },
  ],
  ['apigw-http', { version: '1.0', httpMethod: 'GET', requestContext: {} }],
  ['apigw-rest', { httpMethod: 'GET', requestContext: {} }],
  ['alb', { httpMethod: 'GET', requestContext: { elb: {} } }],
  [
    'url',
    {
      version: '2.0',
      requestContext: { http: { method: 'GET' }, domainName: 'a.lambda-url.eu-west-1.on.aws' },
    },
  ],
  ['lattice', { raw_path: '/a', method: 'GET', headers: {} }],
  ['websocket', { requestContext: { connectionId: 'L0SM9cOFvHcCIhw=', eventType: 'CONNECT' } }],
  ['authorizer', { type: 'REQUEST', methodArn: 'arn', httpMethod: 'GET', requestContext: {} }],
  ['authorizer', { type: 'TOKEN', methodArn: 'arn', authorizationToken: 'a' }],
  ['sqs', { Records: [{ eventSource: 'aws:sqs' }] }],
  ['sns', { Records: [{ EventSource: 'aws:sns' }] }],
  ['s3', { Records: [{ eventSource: 'aws:s3' }] }],
  ['dynamodb', { Records: [{ eventSource: 'aws:dynamodb' }] }],
  ['kinesis', { Records: [{ eventSource: 'aws:kinesis' }] }],
  ['firehose', { deliveryStreamArn: 'arn', records: [] }],
  ['kafka', { eventSource: 'aws:kafka', records: {} }],
  ['kafka', { eventSource: 'SelfManagedKafka', records: {} }],
  ['mq', { eventSource: 'aws:rmq', rmqMessagesByQueue: {} }],
  ['ses', { Records: [{ eventSource: 'aws:ses' }] }],
  ['cloudfront', { Records: [{ cf: {} }] }],
  ['logs', { awslogs: { data: 'H4sI' } }],
  ['eventbridge', { source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', detail: {} }],
  ['schedule', { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }],
  ['cognito', { triggerSource: 'PreSignUp_SignUp', userPoolId: 'eu-west-1_a' }],
  ['appsync', { info: { fieldName: 'order', parentTypeName: 'Query' } }],
  ['cloudformation', { RequestType: 'Create', ResponseURL: 'https://s3' }],
  ['direct', { Records: [] }],
  ['direct', { order: 1 }],
  ['direct', null],
  ['direct', 'text'],
])('%s is told by its event', (trigger, event) => {
  expect(triggerOf(event)).toBe(trigger)
})
