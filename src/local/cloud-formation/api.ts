import type { RequestListener } from 'node:http'
import { ControlPlaneError } from '../control-plane/errors.js'
import { type XmlService, xmlService } from '../control-plane/xml-service.js'
import { escapeXml } from '../s3/xml.js'
import type { StackCloud } from './resource.js'
import { resourceTypes } from './resource-types.js'
import type { LocalStack } from './stack.js'
import type { StackParts } from './stack-resources.js'
import { Stacks } from './stacks.js'

/** The cloud that the CloudFormation API serves, and the credentials it accepts. */
export interface CloudFormationApiOptions extends Pick<XmlService, 'identities' | 'gate' | 'clock'> {
  readonly cloud: StackCloud
  readonly failResource: StackParts['failResource']
}

/** CloudFormation's API. */
export interface CloudFormationApi {
  readonly listener: RequestListener
  /** Aborts operations in progress and closes relayed APIs. */
  close(): Promise<void>
}

const EVENTS_OF_A_PAGE = 100

/** Serves the subset of CloudFormation that deploys templates; states, events and errors match CloudFormation's. */
export function cloudFormationApi({
  cloud,
  failResource,
  ...common
}: CloudFormationApiOptions): CloudFormationApi {
  const closing = new AbortController()
  const stacks = new Stacks({ cloud, findType: resourceTypes(cloud), failResource, signal: closing.signal })
  const listener = xmlService({
    ...common,
    service: 'cloudformation',
    namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
    regions: [cloud.region],
    answer: (action, form) => answer(action, form, stacks),
  })
  return {
    listener,
    async close() {
      closing.abort()
      await cloud.relayedApis.close()
    },
  }
}

function answer(action: string, form: URLSearchParams, stacks: Stacks): string | undefined {
  const name = form.get('StackName') ?? ''
  switch (action) {
    case 'CreateStack':
      return element('StackId', stacks.create(form).id)
    case 'UpdateStack':
      return element('StackId', stacks.update(form).id)
    case 'DeleteStack':
      stacks.delete(form)
      return undefined
    case 'DescribeStacks': {
      const found = name === '' ? stacks.all() : [stacks.existing(name)]
      return `<Stacks>${found.map(stackXml).join('')}</Stacks>`
    }
    case 'DescribeStackEvents':
      return eventsXml(
        stacks.existing(name, (one) => `Stack [${one}] does not exist`),
        form,
      )
    case 'DescribeStackResources':
      return resourcesXml(stacks.existing(name))
    case 'GetTemplate': {
      const stages = '<StagesAvailable><member>Original</member><member>Processed</member></StagesAvailable>'
      return `${element('TemplateBody', stacks.existing(name).input.body)}${stages}`
    }
    default:
      throw new ControlPlaneError('InvalidAction', `The local CloudFormation does not serve ${action}.`)
  }
}

function stackXml(stack: LocalStack): string {
  const { id, name, status, reason, createdAt, updatedAt, deletedAt, input, outputs } = stack
  const { template, parameters, tags, capabilities } = input
  const shown = (key: string, value: string) =>
    isNoEcho(template.Parameters?.[key]?.NoEcho) ? '****' : value
  return `<member>${[
    element('StackId', id),
    element('StackName', name),
    element('Description', template.Description),
    list(
      'Parameters',
      [...parameters],
      ([key, value]) => element('ParameterKey', key) + element('ParameterValue', shown(key, value)),
    ),
    element('CreationTime', time(createdAt)),
    element('LastUpdatedTime', updatedAt && time(updatedAt)),
    element('DeletionTime', deletedAt && time(deletedAt)),
    element('StackStatus', status),
    element('StackStatusReason', reason),
    element('DisableRollback', 'false'),
    list('Capabilities', capabilities, (one) => escapeXml(one)),
    // A stack has outputs only once it is complete.
    list(
      'Outputs',
      /_COMPLETE$/.test(status) ? outputs : [],
      ({ key, value, description }) =>
        element('OutputKey', key) + element('OutputValue', value) + element('Description', description),
    ),
    list('Tags', tags, ([key, value]) => element('Key', key) + element('Value', value)),
  ].join('')}</member>`
}

// Newest first, as CloudFormation lists them.
function eventsXml({ id, name, events }: LocalStack, form: URLSearchParams): string {
  const all = [...events].reverse()
  // Counted from the oldest event, so that new events do not shift the pages.
  const until = Number(form.get('NextToken') ?? events.length)
  const page = all.slice(events.length - until, events.length - until + EVENTS_OF_A_PAGE)
  const next = until - page.length
  const members = list('StackEvents', page, (event) =>
    [
      element('StackId', id),
      element('EventId', event.id),
      element('StackName', name),
      element('LogicalResourceId', event.logicalId),
      element('PhysicalResourceId', event.physicalId),
      element('ResourceType', event.type),
      element('Timestamp', time(event.at)),
      element('ResourceStatus', event.status),
      element('ResourceStatusReason', event.reason),
      element('ClientRequestToken', event.token),
    ].join(''),
  )
  return members + (next > 0 ? element('NextToken', String(next)) : '')
}

function resourcesXml({ id, name, resources, updatedAt, createdAt }: LocalStack): string {
  return list('StackResources', [...resources], ([logicalId, { physicalId, type, status, reason }]) =>
    [
      element('StackName', name),
      element('StackId', id),
      element('LogicalResourceId', logicalId),
      element('PhysicalResourceId', physicalId || undefined),
      element('ResourceType', type),
      element('Timestamp', time(updatedAt ?? createdAt)),
      element('ResourceStatus', status),
      element('ResourceStatusReason', reason),
    ].join(''),
  )
}

function list<T>(name: string, items: readonly T[], xml: (item: T) => string): string {
  return `<${name}>${items.map((item) => `<member>${xml(item)}</member>`).join('')}</${name}>`
}

function element(name: string, text: string | number | undefined): string {
  return text === undefined ? '' : `<${name}>${escapeXml(String(text))}</${name}>`
}

function time(at: number): string {
  return new Date(at).toISOString()
}

function isNoEcho(value: unknown): boolean {
  return value === true || value === 'true'
}
