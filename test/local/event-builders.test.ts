import type {
  CreateAuthChallengeTriggerEvent,
  CustomMessageTriggerEvent,
  DefineAuthChallengeTriggerEvent,
  DynamoDBStreamEvent,
  EventBridgeEvent,
  KinesisStreamEvent,
  PostAuthenticationTriggerEvent,
  PostConfirmationTriggerEvent,
  PreAuthenticationTriggerEvent,
  PreSignUpTriggerEvent,
  PreTokenGenerationTriggerEvent,
  ScheduledEvent,
  UserMigrationTriggerEvent,
  VerifyAuthChallengeResponseTriggerEvent,
} from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { events } from '../../src/local/index.js'

const AT = Date.UTC(2026, 10, 21, 12, 0, 0, 250)
const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/)

// The types are those of @types/aws-lambda, so that the compiler holds the shapes against them.
describe('an event', () => {
  test('of a schedule', () => {
    const event: ScheduledEvent = events.schedule({ ruleName: 'nightly', region: 'eu-west-1', at: AT })
    expect(event).toEqual({
      version: '0',
      id: UUID,
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '123456789012',
      time: '2026-11-21T12:00:00Z',
      region: 'eu-west-1',
      resources: ['arn:aws:events:eu-west-1:123456789012:rule/nightly'],
      detail: {},
    })
  })

  test('of an event bus', () => {
    const event: EventBridgeEvent<'order', { id: number }> = events.eventBridge({
      source: 'shop',
      detailType: 'order',
      detail: { id: 7 },
    })
    expect(event).toMatchObject({ source: 'shop', 'detail-type': 'order', detail: { id: 7 }, resources: [] })
  })

  test('of a table', () => {
    const event: DynamoDBStreamEvent = events.dynamodb({
      tableName: 'orders',
      at: AT,
      records: [
        {
          keys: { id: 'a' },
          newImage: {
            n: 1.5,
            big: 2n ** 70n,
            yes: true,
            none: null,
            bytes: new Uint8Array([0, 1]),
            list: ['x', { deep: 1 }],
            texts: new Set(['x']),
            numbers: new Set([1, 2]),
            left: undefined,
          },
        },
        { keys: { id: 'a' }, oldImage: { n: 1 }, newImage: { n: 2 } },
        { keys: { id: 'a' }, oldImage: { n: 2 } },
      ],
    })
    expect(event.Records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE'])
    const [inserted, modified, removed] = event.Records
    expect(inserted).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: AT / 1000 - 0.25,
        Keys: { id: { S: 'a' } },
        NewImage: {
          id: { S: 'a' },
          n: { N: '1.5' },
          big: { N: '1180591620717411303424' },
          yes: { BOOL: true },
          none: { NULL: true },
          bytes: { B: 'AAE=' },
          list: { L: [{ S: 'x' }, { M: { deep: { N: '1' } } }] },
          texts: { SS: ['x'] },
          numbers: { NS: ['1', '2'] },
        },
        SequenceNumber: expect.stringMatching(/^\d{21,40}$/),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: 'arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-11-21T12:00:00.250',
    })
    expect(modified?.dynamodb).toMatchObject({
      OldImage: { id: { S: 'a' }, n: { N: '1' } },
      NewImage: { id: { S: 'a' }, n: { N: '2' } },
    })
    expect(removed?.dynamodb).not.toHaveProperty('NewImage')
    const keysOnly = events.dynamodb({ records: [{ keys: { id: 1 }, newImage: {} }], viewType: 'KEYS_ONLY' })
    expect(keysOnly.Records[0]?.dynamodb).not.toHaveProperty('NewImage')
  })

  test('of a stream', () => {
    const event: KinesisStreamEvent = events.kinesis({
      streamName: 'clicks',
      at: AT,
      records: [{ data: '漢', partitionKey: 'p' }, { data: new Uint8Array([0, 1]) }],
    })
    const [first, second] = event.Records
    expect(first).toEqual({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'p',
        sequenceNumber: expect.stringMatching(/^49\d{54}$/),
        data: Buffer.from('漢').toString('base64'),
        approximateArrivalTimestamp: AT / 1000,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `shardId-000000000000:${first?.kinesis.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::123456789012:role/lambda-role',
      awsRegion: 'us-east-1',
      eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/clicks',
    })
    expect(second?.kinesis).toMatchObject({ data: 'AAE=', partitionKey: UUID })
    expect(second!.kinesis.sequenceNumber > first!.kinesis.sequenceNumber).toBe(true)
  })

  test('of each trigger of a user pool', () => {
    const all = [
      events.cognito('PreSignUp_SignUp') satisfies PreSignUpTriggerEvent,
      events.cognito('PostConfirmation_ConfirmSignUp') satisfies PostConfirmationTriggerEvent,
      events.cognito('PreAuthentication_Authentication') satisfies PreAuthenticationTriggerEvent,
      events.cognito('PostAuthentication_Authentication') satisfies PostAuthenticationTriggerEvent,
      events.cognito('CustomMessage_ForgotPassword') satisfies CustomMessageTriggerEvent,
      events.cognito('DefineAuthChallenge_Authentication') satisfies DefineAuthChallengeTriggerEvent,
      events.cognito('CreateAuthChallenge_Authentication') satisfies CreateAuthChallengeTriggerEvent,
      events.cognito(
        'VerifyAuthChallengeResponse_Authentication',
      ) satisfies VerifyAuthChallengeResponseTriggerEvent,
      events.cognito('UserMigration_Authentication') satisfies UserMigrationTriggerEvent,
      events.cognito('TokenGeneration_RefreshTokens') satisfies PreTokenGenerationTriggerEvent,
    ]
    for (const { version, userName, request, response } of all)
      expect({ version, userName, request, response }).toEqual({
        version: '1',
        userName: UUID,
        request: expect.any(Object),
        response: expect.any(Object),
      })
    expect(
      events.cognito('PreSignUp_SignUp', {
        region: 'eu-west-1',
        userName: 'jane',
        userAttributes: { email: 'jane@example.com' },
        request: { validationData: { from: 'app' } },
      }),
    ).toEqual({
      version: '1',
      triggerSource: 'PreSignUp_SignUp',
      region: 'eu-west-1',
      userPoolId: 'eu-west-1_Example01',
      userName: 'jane',
      callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: expect.any(String) },
      request: { userAttributes: { email: 'jane@example.com' }, validationData: { from: 'app' } },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    })
    const invited = events.cognito('CustomMessage_AdminCreateUser', { userName: 'jane' })
    expect(invited.request.usernameParameter).toBe('jane')
  })

  test('is refused where the service has none such', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
    expect(() => events.dynamodb({ records: [{ keys: { id: 1 } }] })).toThrow(invalid)
    expect(() => events.dynamodb({ records: [{ keys: { id: () => {} }, newImage: {} }] })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('records[0].keys.id') }),
    )
    expect(() => events.dynamodb({ records: [{ keys: { id: new Set([1, 'x']) }, newImage: {} }] })).toThrow(
      invalid,
    )
    expect(() => events.cognito('PreSignUp_Other' as never)).toThrow(invalid)
  })
})
