import { randomUUID } from 'node:crypto'
import { checkString, checkText, oneOf, recordOf } from '../../core/base/option-checks.js'
import { checkOptions, fields } from '../../core/base/options.js'
import type { CognitoFamilies, CognitoSources, Texts } from './cognito-triggers.js'

/** Every trigger of a user pool, such as `PreSignUp_SignUp`. */
export type CognitoTriggerSource = {
  [Family in keyof CognitoSources]: `${Family}_${CognitoSources[Family]}`
}[keyof CognitoSources]

/** The kind of a trigger: `PreSignUp` for `PreSignUp_SignUp`. */
export type CognitoFamilyOf<Source> = Source extends `${infer Family extends keyof CognitoFamilies}_${string}`
  ? Family
  : never

/**
 * A user pool's event:
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
 */
export interface BuiltCognitoEvent<Source extends CognitoTriggerSource> {
  version: string
  triggerSource: Source
  region: string
  userPoolId: string
  userName: string
  callerContext: { awsSdkVersion: string; clientId: string }
  request: CognitoFamilies[CognitoFamilyOf<Source>]['request']
  response: CognitoFamilies[CognitoFamilyOf<Source>]['response']
}

/** The user in a user pool's event. */
export interface CognitoOptions<Source extends CognitoTriggerSource = CognitoTriggerSource> {
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** @default the region followed by `_Example01` */
  readonly userPoolId?: string | undefined
  /** @default made up */
  readonly userName?: string | undefined
  /** Id of the app client. @default made up */
  readonly clientId?: string | undefined
  /** Added to an email address and, except before the sign-up, to Cognito's own attributes of a user. */
  readonly userAttributes?: Texts | undefined
  /** Members that override the request's defaults, such as `clientMetadata`. @default none */
  readonly request?: Partial<CognitoFamilies[CognitoFamilyOf<Source>]['request']> | undefined
}

const SOURCES: { readonly [Family in keyof CognitoSources]: readonly CognitoSources[Family][] } = {
  PreSignUp: ['SignUp', 'ExternalProvider', 'AdminCreateUser'],
  PostConfirmation: ['ConfirmSignUp', 'ConfirmForgotPassword'],
  PreAuthentication: ['Authentication'],
  PostAuthentication: ['Authentication'],
  CustomMessage: [
    'SignUp',
    'AdminCreateUser',
    'ResendCode',
    'ForgotPassword',
    'UpdateUserAttribute',
    'VerifyUserAttribute',
    'Authentication',
  ],
  DefineAuthChallenge: ['Authentication'],
  CreateAuthChallenge: ['Authentication'],
  VerifyAuthChallengeResponse: ['Authentication'],
  UserMigration: ['Authentication', 'ForgotPassword'],
  TokenGeneration: [
    'HostedAuth',
    'Authentication',
    'NewPasswordChallenge',
    'AuthenticateDevice',
    'RefreshTokens',
  ],
}

/**
 * Builds a user pool's event for a trigger. Response members that Cognito leaves `null` for the function to set have
 * the empty value of their type.
 * @throws TetherError `INVALID_OPTION`
 */
export function cognitoEvent<Source extends CognitoTriggerSource>(
  triggerSource: Source,
  options: CognitoOptions<Source> = {},
): BuiltCognitoEvent<Source> {
  const sources = Object.entries(SOURCES).flatMap(([family, kinds]) =>
    kinds.map((kind) => `${family}_${kind}`),
  )
  oneOf(...sources)('triggerSource', triggerSource)
  const {
    region = 'us-east-1',
    userPoolId = `${region}_Example01`,
    userName = randomUUID(),
    clientId = '1example23456789client0001',
    userAttributes,
    request,
  } = checkOptions('cognito', options as CognitoOptions, {
    region: checkText,
    userPoolId: checkText,
    userName: checkText,
    clientId: checkText,
    userAttributes: recordOf('an object of texts by name', checkString),
    request: fields('an object of members of the request', {}),
  })
  const family = triggerSource.slice(0, triggerSource.indexOf('_')) as keyof CognitoFamilies
  const attributes = {
    ...(family === 'PreSignUp'
      ? {}
      : { sub: randomUUID(), 'cognito:user_status': 'CONFIRMED', email_verified: 'true' }),
    email: 'user@example.com',
    ...userAttributes,
  }
  const parts = defaults(attributes, triggerSource === 'CustomMessage_AdminCreateUser' ? userName : null)[
    family
  ]
  return {
    version: '1',
    triggerSource,
    region,
    userPoolId,
    userName,
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId },
    request: { ...parts.request, ...request },
    response: parts.response,
  } as BuiltCognitoEvent<Source>
}

function defaults(userAttributes: Record<string, string>, usernameParameter: string | null): CognitoFamilies {
  return {
    PreSignUp: {
      request: { userAttributes },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    },
    PostConfirmation: { request: { userAttributes }, response: {} },
    PreAuthentication: { request: { userAttributes }, response: {} },
    PostAuthentication: { request: { userAttributes, newDeviceUsed: false }, response: {} },
    CustomMessage: {
      request: {
        userAttributes,
        codeParameter: '{####}',
        linkParameter: '{##Click Here##}',
        usernameParameter,
      },
      response: { smsMessage: null, emailMessage: null, emailSubject: null },
    },
    DefineAuthChallenge: {
      request: { userAttributes, session: [] },
      response: { failAuthentication: false, issueTokens: false },
    },
    CreateAuthChallenge: {
      request: { userAttributes, challengeName: 'CUSTOM_CHALLENGE', session: [] },
      response: { publicChallengeParameters: {}, privateChallengeParameters: {}, challengeMetadata: '' },
    },
    VerifyAuthChallengeResponse: {
      request: { userAttributes, privateChallengeParameters: {}, challengeAnswer: 'answer' },
      response: { answerCorrect: false },
    },
    UserMigration: {
      request: { password: 'password' },
      response: { userAttributes: {}, desiredDeliveryMediums: [] },
    },
    TokenGeneration: {
      request: { userAttributes, groupConfiguration: { groupsToOverride: [], iamRolesToOverride: [] } },
      response: { claimsOverrideDetails: {} },
    },
  }
}
