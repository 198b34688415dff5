import { describe, expect, it } from 'vitest'
import { type ApiGatewayPolicyOptions, apiGatewayPolicy } from '../../src/deploy/index.js'

const api = { apiId: 'a1b2c3d4e5' } as const

describe('apiGatewayPolicy', () => {
  it('lets its holder connect and post to connections, on this API alone', () => {
    expect(apiGatewayPolicy({ ...api, region: 'eu-west-1', accountId: '123456789012' })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'LambdaTetherConnect',
          Effect: 'Allow',
          Action: 'execute-api:Invoke',
          Resource: 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/tether/$connect',
        },
        {
          Sid: 'LambdaTetherPost',
          Effect: 'Allow',
          Action: 'execute-api:ManageConnections',
          Resource: 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/tether/POST/@connections*',
        },
      ],
    })
  })

  it('can leave its holder to the relay', () => {
    const { Statement } = apiGatewayPolicy({ ...api, post: false, apiStage: 'live' })
    expect(Statement.map(({ Resource }) => Resource)).toEqual([
      'arn:aws:execute-api:*:*:a1b2c3d4e5/live/$connect',
    ])
  })

  it("lies in its region's partition", () => {
    const { Statement } = apiGatewayPolicy({ ...api, region: 'cn-north-1' })
    for (const { Resource } of Statement) expect(Resource).toMatch(/^arn:aws-cn:execute-api:cn-north-1:/)
  })

  it.each([
    ['apiId', { apiId: undefined }],
    ['apiId', { apiId: null }],
    ['apiId', { apiId: '*' }],
    ['apiStage', { apiStage: '*' }],
    ['apiStage', { apiStage: 'a/b' }],
    ['post', { post: 'no' }],
    ['region', { region: '*' }],
    ['accountId', { accountId: 123456789012 }],
    ['partition', { partition: 'aws', region: 'cn-north-1' }],
    ['api', { api: 'a1b2c3d4e5' }],
  ])('refuses a wrong %s by name: %j', (name, wrong) => {
    expect(() => apiGatewayPolicy({ ...api, ...wrong } as ApiGatewayPolicyOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})
