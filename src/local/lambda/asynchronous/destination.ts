import type { MessageAttributes } from '../../message-attributes.js'
import type { InvokeOptions, InvokeResult } from '../invoke-request.js'

/** A queue that receives what is delivered, such as the local cloud's. */
export interface QueueDestination {
  readonly arn: string
  /** Sends a message. */
  send(body: string, options?: { readonly attributes?: MessageAttributes | undefined }): Promise<unknown>
}

/** A topic that publishes what is delivered, such as the local cloud's. */
export interface TopicDestination {
  readonly arn: string
  /** Publishes a message. */
  publish(message: {
    readonly message: string
    readonly subject?: string | undefined
    readonly attributes?: MessageAttributes | undefined
  }): Promise<unknown>
}

/** A function that is invoked asynchronously with what is delivered. */
export interface FunctionDestination {
  readonly arn: string
  /** Invokes it, with `type: 'Event'`. */
  invoke(event?: unknown, options?: InvokeOptions): Promise<InvokeResult>
}

/** Where AWS services deliver JSON: a queue, a topic or a function. */
export type Destination = QueueDestination | TopicDestination | FunctionDestination

/** What goes along with the JSON, where the destination can carry it. */
export interface DeliveryOptions {
  /** For topics. */
  readonly subject?: string
  /** For queues and topics. */
  readonly attributes?: MessageAttributes
}

/** Delivers JSON, as a message or as an event. @throws what the destination refuses */
export async function deliver(to: Destination, json: string, options: DeliveryOptions = {}): Promise<void> {
  const { attributes, subject } = options
  if ('invoke' in to) await to.invoke(Buffer.from(json), { type: 'Event' })
  else if ('send' in to) await to.send(json, { attributes })
  else await to.publish({ message: json, subject, attributes })
}
