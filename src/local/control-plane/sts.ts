import type { RequestListener } from 'node:http'
import { partitionOf } from '../../aws/endpoints.js'
import { ControlPlaneError } from './errors.js'
import { type XmlService, xmlService } from './xml-service.js'

/** The credentials that STS accepts, and their account. */
export interface StsApiOptions extends Pick<XmlService, 'identities' | 'gate' | 'clock'> {
  readonly region: string
  readonly accountId: string
}

/** Serves GetCallerIdentity. All credentials of the local cloud belong to its root user. */
export function stsApi({ accountId, region, ...common }: StsApiOptions): RequestListener {
  return xmlService({
    ...common,
    service: 'sts',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    regions: [region],
    answer: (action) => {
      if (action !== 'GetCallerIdentity')
        throw new ControlPlaneError('InvalidAction', `The local STS does not serve ${action}.`)
      const arn = `arn:${partitionOf(region)}:iam::${accountId}:root`
      return `<Arn>${arn}</Arn><UserId>${accountId}</UserId><Account>${accountId}</Account>`
    },
  })
}
