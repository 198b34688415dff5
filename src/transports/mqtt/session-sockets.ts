import { networkAdvice } from '../../network/advice.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { connectionAgent } from '../../network/outgoing.js'
import { agentSocket } from '../socket/agent-socket.js'
import { packageWebSockets } from '../socket/package-web-socket.js'
import { socketPhase } from '../socket/socket-phase.js'
import type { MqttTarget } from './options.js'
import type { MqttOpening, MqttSockets } from './socket.js'

/** The sockets of the developer's side: `ws`, the given agent, or the environment's proxy for TLS and WebSockets. */
export function sessionSockets(agents: AgentOptions): MqttSockets {
  return {
    openWebSocket: packageWebSockets(agents),
    agentSocket: (target, signal) => openByAgent(agents, target, signal),
    advice: ({ host }, code) => networkAdvice({ ...agents, host, code }),
  }
}

async function openByAgent(
  agents: AgentOptions,
  { protocol, ...target }: MqttTarget,
  signal: AbortSignal,
): Promise<MqttOpening | undefined> {
  const secure = protocol === 'mqtts:'
  // The variables are for HTTP and TLS; proxies refuse to connect to other ports.
  if (!secure && !agents.agent) return undefined
  const agent = await connectionAgent(new URL(target.url), agents, signal)
  if (agent === undefined) return undefined
  const plain = { ...target, secure }
  const socket = await agentSocket(agent, plain, signal)
  const phase = socketPhase(socket, plain, 'connect')
  const ready = secure ? 'secureConnect' : 'connect'
  const opened =
    secure || socket.connecting
      ? new Promise<void>((resolve) => socket.once(ready, () => resolve()))
      : Promise.resolve()
  return { socket, opened, phase }
}
