import type { Clock } from '../core/clock.js'
import { systemClock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'

/** How to reach an MQTT broker. */
export interface MqttOptions {
  /**
   * `mqtt://`, `mqtts://`, `ws://` or `wss://`, with a host and, where it is not 1883, 8883, 80 or 443, a port. A
   * WebSocket URL has the broker's path, such as `/mqtt`.
   */
  readonly url: string
  readonly username?: string
  /** Needs `username`. */
  readonly password?: string
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string
  /** This client's PEM certificate; needs `key`. */
  readonly cert?: string
  /** The PEM private key of `cert`. */
  readonly key?: string
  /** False accepts any certificate: for a broker of one's own, and never with a real key. @default true */
  readonly rejectUnauthorized?: boolean
  /**
   * MQTT 3.1.1 (4) is what every broker speaks. MQTT 5 (5) tells why a broker ended a connection, and its largest
   * packet before the first one.
   * @default 4
   */
  readonly protocolVersion?: 4 | 5
  /**
   * The largest frame, in bytes. Brokers have their own maximum for a packet, which is the frame and up to 300 bytes.
   * @default 130048 (127 KiB: with topic and header within 128 KiB, which every common broker accepts)
   */
  readonly frameBytes?: number
  /** A peer silent for one and a half times this is taken for dead. From 1 to 65,535. @default 30 */
  readonly keepAliveSeconds?: number
  /** The longest that connecting may take, subscribing included. @default 10000 */
  readonly connectTimeoutMs?: number
  /**
   * Whether the session's side keeps a retained message at the broker that says whether it is there, with a last
   * will. False for a broker that refuses either: a stub then learns by silence alone that nobody is there.
   * @default true
   */
  readonly presence?: boolean
  /** @default the machine's clock */
  readonly clock?: Clock
}

/** A checked URL and what goes with it: everything that one connection needs to know of its broker. */
export interface MqttTarget {
  readonly protocol: 'mqtt:' | 'mqtts:' | 'ws:' | 'wss:'
  readonly host: string
  readonly port: number
  /** As the WebSocket is asked for. May carry a signature: never in a message. */
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

/** What both sides of a transport agree on. */
export interface MqttSettings {
  readonly target: MqttTarget
  readonly frameBytes: number
  readonly connectTimeoutMs: number
  readonly clock: Clock
}

const PORTS = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 } as const

/** How many bytes a frame may have at least: less would leave a sealed header no room. */
const MIN_FRAME_BYTES = 1_024
// MQTT's own limit for what follows the fixed header is 268,435,455 bytes, the topic included.
const MAX_FRAME_BYTES = 268_435_455 - 512

const TEXT_OPTIONS = ['username', 'password', 'ca', 'cert', 'key'] as const

/** Checks options and fills in the defaults. @throws TetherError `INVALID_OPTION` naming the option */
export function checkMqttOptions(options: MqttOptions): MqttSettings {
  const url = parseUrl(options.url)
  for (const name of TEXT_OPTIONS) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'string') throw invalid(name, 'must be a text', value)
  }
  const username = options.username ?? (url.username === '' ? undefined : decodeURIComponent(url.username))
  const password = options.password ?? (url.password === '' ? undefined : decodeURIComponent(url.password))
  if (password !== undefined && username === undefined) {
    throw new TetherError(
      'INVALID_OPTION',
      `'password' needs 'username': MQTT has no password without a name.`,
    )
  }
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new TetherError('INVALID_OPTION', `'cert' and 'key' come together; one of them is missing.`)
  }
  const { protocolVersion = 4, rejectUnauthorized = true } = options
  if (protocolVersion !== 4 && protocolVersion !== 5) {
    throw invalid('protocolVersion', 'must be 4 (MQTT 3.1.1) or 5', protocolVersion)
  }
  if (typeof rejectUnauthorized !== 'boolean')
    throw invalid('rejectUnauthorized', 'must be a boolean', rejectUnauthorized)
  url.username = ''
  url.password = ''
  const protocol = url.protocol as MqttTarget['protocol']
  const port = url.port === '' ? PORTS[protocol] : Number(url.port)
  const { ca, cert, key } = options
  return {
    target: {
      protocol,
      // URL keeps the brackets of an IPv6 address; sockets want none.
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port,
      url: url.href,
      label: `${protocol}//${url.hostname}:${port}`,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      rejectUnauthorized,
      protocolVersion,
      keepAliveSeconds: checkInteger('keepAliveSeconds', options.keepAliveSeconds, 30, 1, 65_535),
    },
    ...checkCommonOptions(options, 130_048, MAX_FRAME_BYTES),
  }
}

/** The options that every MQTT transport has. @throws TetherError `INVALID_OPTION` naming the option */
export function checkCommonOptions(
  options: Pick<MqttOptions, 'frameBytes' | 'connectTimeoutMs' | 'clock'>,
  defaultFrameBytes: number,
  maxFrameBytes: number,
): Omit<MqttSettings, 'target'> {
  return {
    frameBytes: checkInteger(
      'frameBytes',
      options.frameBytes,
      defaultFrameBytes,
      MIN_FRAME_BYTES,
      maxFrameBytes,
    ),
    connectTimeoutMs: checkInteger('connectTimeoutMs', options.connectTimeoutMs, 10_000, 1, 600_000),
    clock: options.clock ?? systemClock,
  }
}

/** An integer option within its bounds. @throws TetherError `INVALID_OPTION` naming it */
export function checkInteger(
  name: string,
  value: unknown,
  byDefault: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(name, `must be a whole number from ${number(min)} to ${number(max)}`, value)
  }
  return value
}

function parseUrl(text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !(url.protocol in PORTS) || url.hostname === '') {
    // The text itself may hold a password.
    throw new TetherError(
      'INVALID_OPTION',
      `'url' must be a mqtt://, mqtts://, ws:// or wss:// URL with a host.`,
    )
  }
  return url
}

function invalid(name: string, rule: string, value: unknown): TetherError {
  const shown = typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value
  return new TetherError('INVALID_OPTION', `'${name}' ${rule}, not ${shown}.`)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
