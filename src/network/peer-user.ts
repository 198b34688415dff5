import { readFileSync } from 'node:fs'
import { isIPv4, type Socket } from 'node:net'
import { endianness } from 'node:os'

/** The two ends of a connection, as the accepting side sees them. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/**
 * Reads the system's table of TCP sockets over IPv4 or IPv6, in the format of Linux's `/proc/net`. Throws if the system
 * has no such table.
 */
export type ReadTable = (name: 'tcp' | 'tcp6') => string

const readTable: ReadTable = (name) => readFileSync(`/proc/net/${name}`, 'latin1')

/**
 * Whether a connection over loopback comes from a process of another user, root excepted. Linux records the owner of
 * each socket. Returns false on a system that does not, or if its table is incomplete.
 * @param ends the ends as the accepting side sees them; its listener must still be open
 * @param user this process's user id; absent on Windows
 */
export function isStranger(ends: Ends, user = process.geteuid?.(), read = readTable): boolean {
  const peers = peersOf(ends, read)
  return peers !== undefined && !peers.some((peer) => isOf(peer, user))
}

/**
 * Like {@link isStranger}, but returns false if the system's table lacks the peer's socket: the peer is then on another
 * system, such as a browser on Windows that connects to a server in its Linux (WSL).
 */
export function isOtherUser(ends: Ends, user = process.geteuid?.(), read = readTable): boolean {
  const peers = peersOf(ends, read)
  return peers !== undefined && peers.length > 0 && !peers.some((peer) => isOf(peer, user))
}

// The system reports root as the owner of a socket that its process has already closed.
function isOf({ uid, inode }: Row, user: number | undefined): boolean {
  return inode !== 0 && (uid === user || uid === 0)
}

/** Returns the sockets of the other end; undefined if the table is absent or incomplete. */
function peersOf(ends: Ends, read: ReadTable): readonly Row[] | undefined {
  // A client may use an IPv6 socket for an IPv4 address.
  const rows = [...rowsOf(read, 'tcp'), ...rowsOf(read, 'tcp6')]
  const near = addressesOf(ends.remoteAddress, ends.remotePort)
  const far = addressesOf(ends.localAddress, ends.localPort)
  const listens = rows.some(({ local, remote }) => far.includes(local) && /^0+:0000$/.test(remote))
  return listens
    ? rows.filter(({ local, remote }) => near.includes(local) && far.includes(remote))
    : undefined
}

interface Row {
  readonly local: string
  readonly remote: string
  readonly uid: number
  readonly inode: number
}

/** Fields: number, local address, remote address, state, queues, timer, retransmissions, user, time-out, inode. */
function rowsOf(read: ReadTable, name: 'tcp' | 'tcp6'): Row[] {
  let lines: string[]
  try {
    lines = read(name).trim().split('\n').slice(1)
  } catch {
    return []
  }
  return lines.map((line) => {
    const [, local = '', remote = '', , , , , uid, , inode] = line.trim().split(/\s+/)
    return { local, remote, uid: Number(uid), inode: Number(inode) }
  })
}

/** Formats an address and a port as in both tables: words in the machine's byte order, in hexadecimal. */
function addressesOf(address = '', port = 0): string[] {
  const ipv4 = address.replace(/^::ffff:/i, '')
  if (!isIPv4(ipv4)) return []
  const word = (...bytes: number[]) => {
    const ordered = endianness() === 'LE' ? bytes.reverse() : bytes
    return Buffer.from(ordered).toString('hex').toUpperCase()
  }
  const own = word(...ipv4.split('.').map(Number))
  const mapped = word(0, 0, 0, 0).repeat(2) + word(0, 0, 0xff, 0xff) + own
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return [own + suffix, mapped + suffix]
}
