import {
  GetRetainedMessageCommand,
  ListRetainedMessagesCommand,
  PublishCommand,
} from '@aws-sdk/client-iot-data-plane'
import type { AnswerCase } from './case.js'

const topicOf = (name: string) => `lambda-tether/${name}/answers`

/** Calls of AWS IoT's data endpoint, which list and remove retained messages. */
export const iotDataCases: readonly AnswerCase[] = [
  {
    name: 'Publish retained',
    ask: ({ iotData, name }) =>
      iotData.send(new PublishCommand({ topic: topicOf(name), retain: true, payload: Buffer.from('kept') })),
  },
  {
    name: 'GetRetainedMessage',
    ask: ({ iotData, name }) => iotData.send(new GetRetainedMessageCommand({ topic: topicOf(name) })),
  },
  {
    name: 'GetRetainedMessage missing',
    error: 'ResourceNotFoundException',
    ask: ({ iotData, name }) =>
      iotData.send(new GetRetainedMessageCommand({ topic: `${topicOf(name)}/missing` })),
  },
  {
    name: 'ListRetainedMessages',
    ask: ({ iotData }) => iotData.send(new ListRetainedMessagesCommand({ maxResults: 1 })),
  },
  {
    name: 'Publish to end it',
    ask: ({ iotData, name }) =>
      iotData.send(new PublishCommand({ topic: topicOf(name), retain: true, payload: Buffer.from('') })),
  },
]
