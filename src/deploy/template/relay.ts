// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { NODE_RUNTIME } from '../runtimes.js'
import { API_STAGE } from './api.js'
import { attribute, type CloudFormationResources, ref, substitute, type Tags, tagList } from './resource.js'

/** How long the relay may take, in seconds: less than the 29 that API Gateway waits. */
const TIMEOUT_SECONDS = 15
/** More memory is more CPU, which is what a cold start needs. */
const MEMORY_MB = 256

/** What the relay function is made of. */
export interface RelayParts {
  /** CommonJS with an export `handler`. */
  readonly code: string
  readonly app: string
  readonly stage: string
  /** Each 32 bytes as base64url; separated by commas. */
  readonly publicKeys: string
  /** One of those that CloudWatch Logs takes. */
  readonly logRetentionDays: number
  readonly tags: Tags
}

/** The debug stack's relay function, with a role that has the rights it uses and no other. */
export function relayResources({ tags, ...relay }: RelayParts): CloudFormationResources {
  const connections = (method: string) =>
    substitute(
      `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/${API_STAGE}/${method}/@connections*`,
    )
  const allow = (Action: readonly string[], Resource: unknown) => ({ Effect: 'Allow', Action, Resource })
  return {
    RelayLogs: {
      Type: 'AWS::Logs::LogGroup',
      Properties: { RetentionInDays: relay.logRetentionDays, ...tagList(tags) },
    },
    RelayRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        },
        Policies: [
          {
            PolicyName: 'relay',
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [
                allow(
                  ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
                  attribute('Connections', 'Arn'),
                ),
                allow(['execute-api:ManageConnections'], [connections('POST'), connections('DELETE')]),
                allow(['logs:CreateLogStream', 'logs:PutLogEvents'], attribute('RelayLogs', 'Arn')),
              ],
            },
          },
        ],
        ...tagList(tags),
      },
    },
    Relay: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Description: 'Hands frames of lambda-tether on between the connections of a WebSocket API',
        Runtime: NODE_RUNTIME,
        Handler: 'index.handler',
        Code: { ZipFile: relay.code },
        Role: attribute('RelayRole', 'Arn'),
        Timeout: TIMEOUT_SECONDS,
        MemorySize: MEMORY_MB,
        Environment: {
          Variables: {
            TABLE_NAME: ref('Connections'),
            APP: relay.app,
            STAGE: relay.stage,
            PUBLIC_KEYS: relay.publicKeys,
            // Only CloudFormation knows the domain of every partition.
            AWS_ENDPOINT_URL_DYNAMODB: substitute('https://dynamodb.${AWS::Region}.${AWS::URLSuffix}'),
            // Below a domain of one's own, where a client may come from, there may be no stage to post to.
            AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: substitute(
              `https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/${API_STAGE}`,
            ),
          },
        },
        LoggingConfig: { LogGroup: ref('RelayLogs') },
        ...tagList(tags),
      },
    },
    RelayPermission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: ref('Relay'),
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: substitute('arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*'),
      },
    },
  }
}
