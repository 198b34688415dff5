import { defined } from '../../core/base/defined.js'
import type { TransportDiagnosis } from '../../core/contracts/diagnosis.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { networkChecks } from '../diagnosis/network-checks.js'
import type { MqttSettings } from './options.js'

/** Returns the checks that `diagnose()` runs for an MQTT broker. */
export function mqttDiagnosis({ target, clock }: MqttSettings, { agent }: AgentOptions): TransportDiagnosis {
  const { protocol, label, username, ca, cert, key, rejectUnauthorized } = target
  const url = new URL(label)
  return {
    checks: [
      {
        id: 'endpoint',
        run: async () => {
          const proof = [
            ...(username === undefined ? [] : ['a user name']),
            ...(cert === undefined ? [] : ['a certificate']),
          ]
          const seen = `${label}, with ${proof.join(' and ') || 'no user name'}.`
          return { outcome: 'ok', seen, details: { url: label } }
        },
      },
      ...networkChecks({
        protocol,
        peer: () => ({ url, ...defined({ ca, cert, key, agent }), rejectUnauthorized }),
        clock,
      }),
    ],
    phases: [...(protocol.startsWith('ws') ? ['upgrade'] : []), 'connect', 'subscribe'],
  }
}
