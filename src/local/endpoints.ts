import { type HttpListener, listen, loadedLater } from '../network/listener.js'
import type { LocalCloudOptions } from './cloud-options.js'
import {
  type ControlPlane,
  type ControlPlaneSurroundings,
  openControlPlane,
} from './control-plane/control-plane.js'
import { snsEndpoint } from './triggers/sns-endpoint.js'
import type { LocalTopic } from './triggers/topic.js'

/** The parts of a cloud that its HTTP endpoints serve. */
export interface ServedCloud extends ControlPlaneSurroundings {
  readonly topics: ReadonlyMap<string, LocalTopic>
}

/** Addresses of a cloud's services. */
export interface Endpoints {
  readonly sns: string
  readonly s3: string
  readonly sqs: string
  readonly controlPlane: ControlPlane
  /** Variables that point the AWS SDKs at these services. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Listens on free ports. The code for S3, SQS and the control plane is loaded with the first request. */
export async function openEndpoints(options: LocalCloudOptions, cloud: ServedCloud): Promise<Endpoints> {
  const { host, region, credentials, topics, buckets, queues, clock } = cloud
  const s3Requests = loadedLater(async () => {
    const identities = [credentials, ...(options.s3?.identities ?? [])]
    const endpoint = await import('./s3/endpoint.js')
    return endpoint.s3Requests({ ...options.s3, region, identities, buckets, clock })
  })
  const sqsRequests = loadedLater(async () => {
    const identities = [credentials, ...(options.sqs?.identities ?? [])]
    const endpoint = await import('./sqs/endpoint.js')
    return endpoint.sqsRequests({ region, identities, queues, clock })
  })
  const opened: Pick<HttpListener, 'close'>[] = []
  const close = async () => {
    await Promise.all(opened.map((listener) => listener.close()))
  }
  const open = async <L extends Pick<HttpListener, 'close'>>(opening: Promise<L>): Promise<L> => {
    const listener = await opening
    opened.push(listener)
    return listener
  }
  try {
    const { url: sns } = await open(snsEndpoint(topics, host))
    const { url: s3 } = await open(listen(s3Requests, host, 0))
    const { url: sqs } = await open(listen(sqsRequests, host, 0))
    const controlPlane = await open(openControlPlane(options.controlPlane ?? {}, cloud))
    const environment = {
      AWS_ENDPOINT_URL_SNS: sns,
      AWS_ENDPOINT_URL_S3: s3,
      AWS_ENDPOINT_URL_SQS: sqs,
      AWS_ENDPOINT_URL_LAMBDA: controlPlane.lambdaUrl,
    }
    return { sns, s3, sqs, controlPlane, environment, close }
  } catch (error) {
    await close()
    throw error
  }
}
