// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { NODE_RUNTIME } from '../runtimes.js'
import { API_STAGE } from './api.js'
import { attribute, type CloudFormationResources, ref, substitute, type Tags, tagList } from './resource.js'

/** The relay's time-out in seconds, below the 29 that API Gateway waits. */
const TIMEOUT_SECONDS = 15
/** More memory means more CPU, which shortens a cold start. */
const MEMORY_MB = 256

/** The inputs of the relay function. */
export interface RelayParts {
  /** CommonJS with an export `handler`. */
  readonly code: string
  readonly app: string
  readonly stage: string
  /** Each 32 bytes in base64url; separated by commas. */
  readonly publicKeys: string
  /** A value that CloudWatch Logs allows. */
  readonly logRetentionDays: number
  readonly tags: Tags
}

/** Returns the debug stack's relay function, with a role that has only the rights it uses. */
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
            // A client may connect through a custom domain, where the stage to post to may be missing.
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
