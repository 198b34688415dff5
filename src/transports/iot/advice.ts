import { type Advice, cutAt, quoted, type Seen } from '../mqtt/advice.js'
import { isKeptTopic } from '../mqtt/topics.js'

const MINUTES = 'A policy takes a few minutes to hold.'
const policy = ({ role }: Seen) => `iotPolicy({ …, role: '${role}' })`

/**
 * Advice for AWS IoT Core, which ends a connection for any action that the policy does not allow, and never says why.
 */
export const IOT_ADVICE: Advice = [
  [
    ({ code }) => code === 'ENOTFOUND',
    () =>
      "The endpoint's name does not resolve: check it, and in an AWS account that has never used IoT wait ten minutes.",
  ],
  [
    ({ statusCode }) => statusCode === 403,
    () =>
      'AWS IoT refused the signature or the identity: check the credentials, the region, and that iotPolicy() is attached.',
  ],
  [
    cutAt('connect'),
    (seen) =>
      `AWS IoT does so where iot:Connect on client/${seen.clientIds}* is not allowed` +
      (seen.will ? `, or iot:Publish and iot:RetainPublish on topic/${seen.will}` : '') +
      `: attach ${policy(seen)}. ${MINUTES}`,
  ],
  [
    cutAt('subscribe'),
    (seen) =>
      `AWS IoT does so where iot:Subscribe is not allowed. It was asked for ${quoted(seen.topics)}: ${policy(seen)} allows them. ${MINUTES}`,
  ],
  [
    cutAt('publish'),
    (seen) =>
      `Its last messages went to ${quoted(seen.topics)}. If that happens again and again, iot:Publish${
        seen.topics?.some(isKeptTopic) ? ' or iot:RetainPublish' : ''
      } is not allowed there: attach ${policy(seen)}. ${MINUTES}`,
  ],
]
