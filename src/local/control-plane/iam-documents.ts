import { ControlPlaneError } from './errors.js'

/** Checks that a text is a policy document. @throws ControlPlaneError `MalformedPolicyDocument` */
export function checkDocument(text: string): void {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null && 'Statement' in document) return
  } catch {
    // Refused below, like JSON that is not a policy.
  }
  throw new ControlPlaneError('MalformedPolicyDocument', 'Syntax errors in policy.')
}
