import { ControlPlaneError } from './errors.js'

/** Checks that a text is a policy document. @throws ControlPlaneError `MalformedPolicyDocument` */
export function checkDocument(text: string): void {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null && 'Statement' in document) return
  } catch {
    // Refused below, as what is no policy at all.
  }
  throw new ControlPlaneError('MalformedPolicyDocument', 'Syntax errors in policy.')
}
