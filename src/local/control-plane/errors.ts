// Status codes from the services' own models; all other errors are 400.
const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AccessDeniedException: 403,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  ExpiredToken: 403,
  IncompleteSignature: 403,
  IncompleteSignatureException: 403,
  InvalidClientTokenId: 403,
  InvalidSignatureException: 403,
  InvalidRuntimeException: 502,
  LimitExceeded: 409,
  MissingAuthenticationToken: 403,
  MissingAuthenticationTokenException: 403,
  NoSuchEntity: 404,
  NotImplemented: 501,
  PreconditionFailedException: 412,
  RequestEntityTooLargeException: 413,
  RequestTooLargeException: 413,
  ResourceConflictException: 409,
  ResourceNotFoundException: 404,
  SignatureDoesNotMatch: 403,
  ServiceException: 500,
  ServiceFailure: 500,
  TooManyRequestsException: 429,
  UnrecognizedClientException: 403,
}

// In Lambda's model the text of these errors is `Message`; of all others, `message`.
const CAPITAL_MESSAGE: readonly string[] = [
  'AccessDeniedException',
  'InvalidRuntimeException',
  'ResourceNotFoundException',
  'ServiceException',
]

/** A refusal by one of the control plane's services, under its name in the service's own clients. */
export class ControlPlaneError extends Error {
  override readonly name: string
  readonly status: number
  /** Further members of the error's document. */
  readonly more: Readonly<Record<string, string>>

  constructor(name: string, message: string, more: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = name
    this.status = STATUS[name] ?? 400
    this.more = more
  }
}

/** Returns an error's document in Lambda's format. */
export function lambdaErrorDocument({ name, message, status, more }: ControlPlaneError): object {
  const member = CAPITAL_MESSAGE.includes(name) ? 'Message' : 'message'
  return { Type: status < 500 ? 'User' : 'Service', ...more, [member]: message }
}

/** Makes Lambda's error for an unacceptable parameter. */
export function invalidParameter(message: string): ControlPlaneError {
  return new ControlPlaneError('InvalidParameterValueException', message)
}

/** Makes AWS's error for a value outside its model's limits. */
export function invalidValue(member: string, value: unknown, rule: string): ControlPlaneError {
  return new ControlPlaneError(
    'ValidationException',
    `1 validation error detected: Value '${String(value)}' at '${member}' failed to satisfy constraint: ${rule}`,
  )
}
