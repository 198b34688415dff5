/** One whole MQTT packet, its fixed header included. */
export interface MqttPacket {
  readonly bytes: Buffer
  /** The packet type, one of {@link MQTT}. */
  readonly type: number
  /** The low four bits of the first byte. */
  readonly flags: number
  /** Where the variable header begins. */
  readonly bodyOffset: number
}

/** The packet types that the broker inspects. */
export const MQTT = { connack: 2, publish: 3, puback: 4, subscribe: 8, disconnect: 14 } as const

/** A client's DISCONNECT: type 14, no body. */
export const DISCONNECT_PACKET = Buffer.from([MQTT.disconnect << 4, 0])

/**
 * Splits a stream of bytes into MQTT packets without parsing their content. Keeps chunks unchanged until a packet is
 * complete, so that a large packet is copied once.
 */
export class MqttSplitter {
  readonly #maxRemainingLength: number
  #chunks: Buffer[] = []
  #size = 0
  #needed = 2

  /** @param maxRemainingLength a packet that announces more is refused before its bytes are kept */
  constructor(maxRemainingLength = Number.POSITIVE_INFINITY) {
    this.#maxRemainingLength = maxRemainingLength
  }

  /**
   * Returns the packets that `chunk` completes. @throws RangeError if it is not MQTT, or announces a packet that is too
   * long
   */
  push(chunk: Buffer): MqttPacket[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return []
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const packets: MqttPacket[] = []
    for (;;) {
      const header = readHeader(rest)
      if (header && header.remaining > this.#maxRemainingLength) {
        throw new RangeError(`packet of ${header.remaining} bytes exceeds ${this.#maxRemainingLength}`)
      }
      const length = header ? header.bodyOffset + header.remaining : rest.length + 1
      if (!header || rest.length < length) {
        this.#chunks = rest.length > 0 ? [rest] : []
        this.#size = rest.length
        this.#needed = Math.max(length, 2)
        return packets
      }
      const bytes = rest.subarray(0, length)
      const first = bytes[0] as number
      packets.push({ bytes, type: first >> 4, flags: first & 15, bodyOffset: header.bodyOffset })
      rest = rest.subarray(length)
    }
  }
}

/** The parts of a PUBLISH that the broker needs. */
export interface PublishHeader {
  readonly topic: string
  readonly payloadBytes: number
  readonly qos: number
  readonly retain: boolean
  /** Present from QoS 1. */
  readonly packetId?: number
}

/** Reads a PUBLISH of MQTT 3.1.1; undefined if it is malformed. */
export function readPublish({ bytes, flags, bodyOffset }: MqttPacket): PublishHeader | undefined {
  if (bytes.length < bodyOffset + 2) return undefined
  const topicEnd = bodyOffset + 2 + bytes.readUInt16BE(bodyOffset)
  const qos = (flags >> 1) & 3
  const payloadStart = topicEnd + (qos > 0 ? 2 : 0)
  if (qos === 3 || payloadStart > bytes.length) return undefined
  return {
    topic: bytes.toString('utf8', bodyOffset + 2, topicEnd),
    payloadBytes: bytes.length - payloadStart,
    qos,
    retain: (flags & 1) === 1,
    ...(qos > 0 && { packetId: bytes.readUInt16BE(topicEnd) }),
  }
}

/** Reads the packet id of a SUBSCRIBE or PUBACK. */
export function readPacketId({ bytes, bodyOffset }: MqttPacket): number | undefined {
  return bytes.length < bodyOffset + 2 ? undefined : bytes.readUInt16BE(bodyOffset)
}

/** Reads the topic filters of a SUBSCRIBE of MQTT 3.1.1; undefined if it is malformed. */
export function readFilters({ bytes, bodyOffset }: MqttPacket): string[] | undefined {
  const filters: string[] = []
  for (let at = bodyOffset + 2; at < bytes.length; ) {
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : bytes.length
    if (end >= bytes.length) return undefined
    filters.push(bytes.toString('utf8', at + 2, end))
    at = end + 1
  }
  return filters
}

/** Makes a SUBACK that refuses `count` filters, at most 125. */
export function refuseSubscribe(packetId: number, count: number): Buffer {
  const ack = Buffer.alloc(4 + count, 0x80)
  ack.writeUInt8(0x90, 0)
  ack.writeUInt8(2 + count, 1)
  ack.writeUInt16BE(packetId, 2)
  return ack
}

// The remaining length is 1 to 4 bytes of 7 bits each, lowest first.
function readHeader(bytes: Buffer): { bodyOffset: number; remaining: number } | undefined {
  let remaining = 0
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[i]
    if (byte === undefined) return undefined
    remaining += (byte & 127) * 128 ** (i - 1)
    if (byte < 128) return { bodyOffset: i + 1, remaining }
  }
  throw new RangeError('remaining length has more than 4 bytes')
}
