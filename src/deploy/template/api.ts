// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { createHash } from 'node:crypto'
import {
  attribute,
  type CloudFormationResource,
  type CloudFormationResources,
  ref,
  substitute,
  type Tags,
  tagMap,
} from './resource.js'

/** The API's own stage, the last part of its endpoint. Unrelated to the application's stage. */
export const API_STAGE = 'tether'

/**
 * Returns the debug stack's WebSocket API. Clients sign with IAM. Every route leads to the relay except `ping`, which
 * keeps a connection alive without an invocation.
 */
export function apiResources(tags: Tags): CloudFormationResources {
  const ApiId = ref('Api')
  const route = (RouteKey: string, integration: string, more = {}): CloudFormationResource => ({
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: { ApiId, RouteKey, Target: substitute(`integrations/\${${integration}}`), ...more },
  })
  const routed = {
    RelayIntegration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationMethod: 'POST',
        IntegrationUri: substitute(
          'arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Relay.Arn}/invocations',
        ),
      },
    },
    PingIntegration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId,
        IntegrationType: 'MOCK',
        // A mock integration reads the status of its answer from the request template. The backslash makes the
        // selection a plain text.
        TemplateSelectionExpression: '\\$default',
        RequestTemplates: { $default: '{"statusCode":200}' },
      },
    },
    // Integrations other than proxies need at least one response. Without a route response, none of it reaches the
    // client.
    PingIntegrationResponse: {
      Type: 'AWS::ApiGatewayV2::IntegrationResponse',
      Properties: { ApiId, IntegrationId: ref('PingIntegration'), IntegrationResponseKey: '$default' },
    },
    ConnectRoute: route('$connect', 'RelayIntegration', { AuthorizationType: 'AWS_IAM' }),
    DisconnectRoute: route('$disconnect', 'RelayIntegration'),
    DefaultRoute: route('$default', 'RelayIntegration'),
    PingRoute: route('ping', 'PingIntegration'),
  }
  // A deployment keeps the routes as they were at its creation: changed routes need a new one, with a new name.
  const version = createHash('sha256').update(JSON.stringify(routed)).digest('hex').slice(0, 8)
  const deployment = `Deployment${version}`
  return {
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        Name: ref('AWS::StackName'),
        ProtocolType: 'WEBSOCKET',
        RouteSelectionExpression: '$request.body.action',
        ...tagMap(tags),
      },
    },
    ...routed,
    [deployment]: {
      Type: 'AWS::ApiGatewayV2::Deployment',
      Properties: { ApiId },
      DependsOn: Object.keys(routed),
    },
    ApiStage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: {
        ApiId,
        StageName: API_STAGE,
        DeploymentId: attribute(deployment, 'DeploymentId'),
        ...tagMap(tags),
      },
    },
  }
}
