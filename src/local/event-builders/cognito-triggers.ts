/** Texts by name. */
export type Texts = Readonly<Record<string, string>>

/** The sources of each kind of trigger. */
export interface CognitoSources {
  PreSignUp: 'SignUp' | 'ExternalProvider' | 'AdminCreateUser'
  PostConfirmation: 'ConfirmSignUp' | 'ConfirmForgotPassword'
  PreAuthentication: 'Authentication'
  PostAuthentication: 'Authentication'
  CustomMessage:
    | 'SignUp'
    | 'AdminCreateUser'
    | 'ResendCode'
    | 'ForgotPassword'
    | 'UpdateUserAttribute'
    | 'VerifyUserAttribute'
    | 'Authentication'
  DefineAuthChallenge: 'Authentication'
  CreateAuthChallenge: 'Authentication'
  VerifyAuthChallengeResponse: 'Authentication'
  UserMigration: 'Authentication' | 'ForgotPassword'
  TokenGeneration:
    | 'HostedAuth'
    | 'Authentication'
    | 'NewPasswordChallenge'
    | 'AuthenticateDevice'
    | 'RefreshTokens'
}

/** The request and the response of each kind of trigger. */
export interface CognitoFamilies {
  PreSignUp: {
    request: CognitoUserRequest & { validationData?: Record<string, string> }
    response: { autoConfirmUser: boolean; autoVerifyEmail: boolean; autoVerifyPhone: boolean }
  }
  PostConfirmation: { request: CognitoUserRequest; response: Record<string, never> }
  PreAuthentication: {
    request: CognitoUserRequest & { userNotFound?: boolean; validationData?: Record<string, string> }
    response: Record<string, never>
  }
  PostAuthentication: {
    request: CognitoUserRequest & { newDeviceUsed: boolean }
    response: Record<string, never>
  }
  CustomMessage: {
    request: CognitoUserRequest & {
      codeParameter: string
      linkParameter: string
      /** Only for AdminCreateUser. */
      usernameParameter: string | null
    }
    response: { smsMessage: string | null; emailMessage: string | null; emailSubject: string | null }
  }
  DefineAuthChallenge: {
    request: CognitoChallengeRequest
    response: { challengeName?: string; failAuthentication: boolean; issueTokens: boolean }
  }
  CreateAuthChallenge: {
    request: CognitoChallengeRequest & { challengeName: string }
    response: {
      publicChallengeParameters: Record<string, string>
      privateChallengeParameters: Record<string, string>
      challengeMetadata: string
    }
  }
  VerifyAuthChallengeResponse: {
    request: CognitoUserRequest & {
      userNotFound?: boolean
      privateChallengeParameters: Record<string, string>
      challengeAnswer: string
    }
    response: { answerCorrect: boolean }
  }
  UserMigration: {
    request: {
      password: string
      validationData?: Record<string, string>
      clientMetadata?: Record<string, string>
    }
    response: {
      userAttributes: Record<string, string>
      finalUserStatus?: 'CONFIRMED' | 'RESET_REQUIRED'
      messageAction?: 'RESEND' | 'SUPPRESS'
      desiredDeliveryMediums: ('SMS' | 'EMAIL')[]
      forceAliasCreation?: boolean
      enableSMSMFA?: boolean
    }
  }
  TokenGeneration: {
    request: CognitoUserRequest & { groupConfiguration: CognitoGroups }
    response: {
      claimsOverrideDetails: {
        claimsToAddOrOverride?: Record<string, string>
        claimsToSuppress?: string[]
        groupOverrideDetails?: CognitoGroups
      }
    }
  }
}

/** Members of requests about a user. */
export interface CognitoUserRequest {
  userAttributes: Record<string, string>
  clientMetadata?: Record<string, string>
}

/** Members of requests about a challenge. */
export interface CognitoChallengeRequest extends CognitoUserRequest {
  session: CognitoChallengeAnswer[]
  userNotFound?: boolean
}

/** A previously answered challenge. */
export type CognitoChallengeAnswer =
  | { challengeName: 'CUSTOM_CHALLENGE'; challengeResult: boolean; challengeMetadata?: string }
  | {
      challengeName:
        | 'PASSWORD_VERIFIER'
        | 'SMS_MFA'
        | 'DEVICE_SRP_AUTH'
        | 'DEVICE_PASSWORD_VERIFIER'
        | 'ADMIN_NO_SRP_AUTH'
        | 'SRP_A'
      challengeResult: boolean
    }

/** Groups and roles of a user. */
export interface CognitoGroups {
  groupsToOverride?: string[]
  iamRolesToOverride?: string[]
  preferredRole?: string
}
