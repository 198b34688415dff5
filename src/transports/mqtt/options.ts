import type { Clock } from '../../core/base/clock.js'
import { systemClock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import { wholeNumber } from '../../core/base/option-checks.js'
import { type Check, invalidOption } from '../../core/base/options.js'
import type { AgentOptions } from '../../network/agent-option.js'

/** How to reach an MQTT broker. */
export interface MqttOptions extends AgentOptions {
  /**
   * `mqtt://`, `mqtts://`, `ws://` or `wss://`, with a host and, unless it is 1883, 8883, 80 or 443, a port. A
   * WebSocket URL has the broker's path, such as `/mqtt`.
   */
  readonly url: string
  readonly username?: string | undefined
  /** Needs `username`. */
  readonly password?: string | undefined
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  /** This client's PEM certificate; needs `key`. */
  readonly cert?: string | undefined
  /** The PEM private key of `cert`. */
  readonly key?: string | undefined
  /** False accepts any certificate: for a broker of your own, and never with a real key. @default true */
  readonly rejectUnauthorized?: boolean | undefined
  /**
   * Every broker speaks MQTT 3.1.1 (4). With MQTT 5 (5), a broker says why it ended a connection, and announces its
   * largest packet before the first one.
   * @default 4
   */
  readonly protocolVersion?: 4 | 5 | undefined
  /**
   * The largest frame, in bytes. Brokers limit the packet, which is the frame and up to 300 bytes.
   * @default 130048 (127 KiB: with topic and header within 128 KiB, which every common broker accepts)
   */
  readonly frameBytes?: number | undefined
  /** A peer that is silent for one and a half times this is considered dead. From 1 to 65,535. @default 30 */
  readonly keepAliveSeconds?: number | undefined
  /** The longest that connecting may take, subscribing included. @default 10000 */
  readonly connectTimeoutMs?: number | undefined
  /**
   * Whether the session's side keeps its presence at the broker, as a retained message with a last will. False for a
   * broker that refuses either: a stub then detects an absent session by silence alone.
   * @default true
   */
  readonly presence?: boolean | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** A checked URL and its options: everything that one connection needs to know of its broker. */
export interface MqttTarget {
  readonly protocol: 'mqtt:' | 'mqtts:' | 'ws:' | 'wss:'
  readonly host: string
  readonly port: number
  /** The URL of the WebSocket. May carry a signature: never in a message. */
  readonly url: string
  /** For messages: scheme, host and port. */
  readonly label: string
  readonly username?: string
  readonly password?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized: boolean
  readonly protocolVersion: 4 | 5
  readonly keepAliveSeconds: number
}

/** Settings common to session and stub. */
export interface MqttSettings {
  readonly target: MqttTarget
  readonly frameBytes: number
  readonly connectTimeoutMs: number
  readonly clock: Clock
}

// MQTT limits the bytes after the fixed header, the topic included, to 268,435,455.
export const MAX_FRAME_BYTES = 268_435_455 - 512

const PORTS = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 } as const

/** `connectTimeoutMs` of every transport over a network: at most ten minutes. */
export const checkConnectTimeout: Check = (name, value) => wholeNumber(1, 600_000)(name, value)

/**
 * Parses the URL and fills in the defaults.
 * @throws TetherError `INVALID_OPTION` for options that contradict each other
 */
export function mqttSettings(options: MqttOptions): MqttSettings {
  const url = parseUrl(options.url)
  const username = options.username ?? decoded('user name', url.username)
  const password = options.password ?? decoded('password', url.password)
  if (password !== undefined && username === undefined) {
    throw invalidOption('password', "needs 'username': MQTT has no password without a name")
  }
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw invalidOption('cert', "and 'key' come together; one of them is missing")
  }
  const { protocolVersion = 4, rejectUnauthorized = true, keepAliveSeconds = 30 } = options
  url.username = ''
  url.password = ''
  const { ca, cert, key } = options
  return {
    target: {
      ...mqttAddress(url),
      ...defined({ username, password, ca, cert, key }),
      rejectUnauthorized,
      protocolVersion,
      keepAliveSeconds,
    },
    ...commonSettings(options, 130_048),
  }
}

/** The parts of a target that its URL determines. */
export function mqttAddress(url: URL): Pick<MqttTarget, 'protocol' | 'host' | 'port' | 'url' | 'label'> {
  const protocol = url.protocol as MqttTarget['protocol']
  const port = url.port === '' ? PORTS[protocol] : Number(url.port)
  return {
    protocol,
    // URL keeps the brackets of an IPv6 address; sockets want none.
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    url: url.href,
    label: `${protocol}//${url.hostname}:${port}`,
  }
}

/** Fills in the defaults of the options that every MQTT transport has. */
export function commonSettings(
  options: Pick<MqttOptions, 'frameBytes' | 'connectTimeoutMs' | 'clock'>,
  defaultFrameBytes: number,
): Omit<MqttSettings, 'target'> {
  const { frameBytes = defaultFrameBytes, connectTimeoutMs = 10_000, clock = systemClock } = options
  return { frameBytes, connectTimeoutMs, clock }
}

function decoded(what: string, encoded: string): string | undefined {
  if (encoded === '') return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw invalidOption('url', `has a ${what} in which a % begins no percent-encoding; write %25 for it`)
  }
}

function parseUrl(text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !(url.protocol in PORTS) || url.hostname === '') {
    // The text itself may hold a password.
    throw invalidOption('url', 'must be a mqtt://, mqtts://, ws:// or wss:// URL with a host')
  }
  return url
}
