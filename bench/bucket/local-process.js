import { createLocalCloud } from 'lambda-tether/local'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { onEnd, report } from '../process/child.js'

const NAME = 'payloads'
const cloud = createLocalCloud({ region: REGION, credentials: CREDENTIALS })
await cloud.open()
cloud.bucket(NAME)
onEnd(() => cloud.close())
report('ready', { port: Number(new URL(cloud.s3Endpoint).port), name: NAME })
