// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { s3LifecycleRule } from '../../stores/s3-lifecycle.js'
import { attribute, type CloudFormationResources, ref, substitute, type Tags, tagList } from './resource.js'

/** Returns the debug stack's table of connections, and its bucket for large payloads. */
export function storageResources(tags: Tags): CloudFormationResources {
  return {
    Connections: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        ...tagList(tags),
      },
    },
    Payloads: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        LifecycleConfiguration: { Rules: [lifecycleRule()] },
        ...tagList(tags),
      },
    },
    PayloadsPolicy: {
      Type: 'AWS::S3::BucketPolicy',
      Properties: {
        Bucket: ref('Payloads'),
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'OnlyTls',
              Effect: 'Deny',
              Principal: '*',
              Action: 's3:*',
              Resource: [attribute('Payloads', 'Arn'), substitute('${Payloads.Arn}/*')],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      },
    },
  }
}

// The lifecycle rule of the store that uses the bucket, in CloudFormation's form. It is the same for any bucket.
function lifecycleRule() {
  const rule = s3LifecycleRule({ bucket: 'any' })
  return {
    Id: rule.ID,
    Status: rule.Status,
    Prefix: rule.Filter.Prefix,
    ExpirationInDays: rule.Expiration.Days,
    NoncurrentVersionExpiration: rule.NoncurrentVersionExpiration,
    AbortIncompleteMultipartUpload: rule.AbortIncompleteMultipartUpload,
  }
}
