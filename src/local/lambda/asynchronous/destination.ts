import type { MessageAttributes } from '../../message-attributes.js'
import type { InvokeOptions, InvokeResult } from '../invoke-request.js'

/** A queue as a destination, such as the local cloud's. */
export interface QueueDestination {
  readonly arn: string
  /** Sends a message. */
  send(body: string, options?: { readonly attributes?: MessageAttributes | undefined }): Promise<unknown>
}

/** A topic as a destination, such as the local cloud's. */
export interface TopicDestination {
  readonly arn: string
  /** Publishes a message. */
  publish(message: {
    readonly message: string
    readonly subject?: string | undefined
    readonly attributes?: MessageAttributes | undefined
  }): Promise<unknown>
}

/** A function as a destination; it is invoked asynchronously. */
export interface FunctionDestination {
  readonly arn: string
  /** Invokes it with `type: 'Event'`. */
  invoke(event?: unknown, options?: InvokeOptions): Promise<InvokeResult>
}

/** A target for JSON from AWS services: a queue, a topic or a function. */
export type Destination = QueueDestination | TopicDestination | FunctionDestination

/** Details sent with the JSON, if the destination can carry them. */
export interface DeliveryOptions {
  /** For topics. */
  readonly subject?: string
  /** For queues and topics. */
  readonly attributes?: MessageAttributes
}

/** Delivers JSON, as a message or as an event. @throws the destination's refusal */
export async function deliver(to: Destination, json: string, options: DeliveryOptions = {}): Promise<void> {
  const { attributes, subject } = options
  if ('invoke' in to) await to.invoke(Buffer.from(json), { type: 'Event' })
  else if ('send' in to) await to.send(json, { attributes })
  else await to.publish({ message: json, subject, attributes })
}
