import * as management from '@aws-sdk/client-apigatewaymanagementapi'
import * as iam from '@aws-sdk/client-iam'
import * as iotData from '@aws-sdk/client-iot-data-plane'
import * as lambda from '@aws-sdk/client-lambda'
import * as s3 from '@aws-sdk/client-s3'

/** A service whose answers are recorded, as its package of the AWS SDK describes it. */
export interface Service {
  /** The SDK's package below `@aws-sdk/`. */
  readonly packageName: string
  /** What that exports: each operation and each shape as a schema named `<name>$`. */
  readonly exports: Readonly<Record<string, unknown>>
  readonly format: 'json' | 'xml'
  /** Errors of every operation, which no operation declares. */
  readonly commonErrors: readonly string[]
  /** Fields of its answers that its model leaves out. @default none */
  readonly unmodelled?: readonly string[]
}

// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html, and those of the signature check, which every service shares.
const COMMON = [
  'AccessDeniedException',
  'IncompleteSignatureException',
  'InternalFailure',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'RequestEntityTooLargeException',
  'ThrottlingException',
  'UnrecognizedClientException',
  'ValidationException',
]

/** The services by the names that fixtures have. */
export const SERVICES = {
  lambda: { packageName: 'client-lambda', exports: lambda, format: 'json', commonErrors: COMMON },
  iam: {
    packageName: 'client-iam',
    exports: iam,
    format: 'xml',
    // https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
    commonErrors: [
      'AccessDenied',
      'IncompleteSignature',
      'InternalFailure',
      'InvalidAction',
      'InvalidClientTokenId',
      'MissingAuthenticationToken',
      'SignatureDoesNotMatch',
      'Throttling',
      'ValidationError',
    ],
  },
  s3: {
    packageName: 'client-s3',
    exports: s3,
    format: 'xml',
    // The SDK's model declares few of them: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    commonErrors: [
      'AccessDenied',
      'AuthorizationHeaderMalformed',
      'BadDigest',
      'BucketNotEmpty',
      'EntityTooLarge',
      'InternalError',
      'InvalidAccessKeyId',
      'InvalidArgument',
      'InvalidBucketName',
      'InvalidRequest',
      'MalformedXML',
      'MissingContentLength',
      'NoSuchBucket',
      'NoSuchKey',
      'NoSuchLifecycleConfiguration',
      'NotImplemented',
      'PreconditionFailed',
      'RequestTimeTooSkewed',
      'SignatureDoesNotMatch',
      'XAmzContentSHA256Mismatch',
    ],
  },
  management: {
    packageName: 'client-apigatewaymanagementapi',
    exports: management,
    format: 'json',
    commonErrors: COMMON,
  },
  'iot-data': {
    packageName: 'client-iot-data-plane',
    exports: iotData,
    format: 'json',
    commonErrors: [...COMMON, 'ForbiddenException'],
    // It answers {"message":"OK","traceId":"…"} to a publish, and its errors have a trace id.
    unmodelled: ['message', 'traceId'],
  },
} as const satisfies Readonly<Record<string, Service>>

export type ServiceName = keyof typeof SERVICES
