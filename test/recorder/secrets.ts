/** A secret, and a text around it that tells it for one. Fixed, so that a failure repeats. */
export interface PlantedSecret {
  readonly name: string
  readonly secret: string
  /** The text as it stands in an event, a log or an error. */
  readonly text: string
}

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
const pemBody =
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu'

/** Secrets that any text may hold: they are known by their shape, or by what stands before them. */
export const planted: readonly PlantedSecret[] = [
  { name: 'a JWT', secret: jwt, text: `the token is ${jwt}.` },
  { name: 'a bearer token', secret: 'mF_9.B5f-4.1JqM', text: 'Authorization: Bearer mF_9.B5f-4.1JqM' },
  { name: 'a bearer token alone', secret: 'opaque-Zx81kdQ', text: 'sent "Bearer opaque-Zx81kdQ" upstream' },
  { name: 'basic credentials', secret: 'QWxhZGRpbjpvcGVuc2VzYW1l', text: 'Basic QWxhZGRpbjpvcGVuc2VzYW1l' },
  { name: 'an access key id', secret: 'AKIAIOSFODNN7EXAMPLE', text: 'with AKIAIOSFODNN7EXAMPLE it fails' },
  {
    name: 'a secret access key',
    secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    text: 'ASIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  },
  {
    name: 'a session token',
    secret: `IQoJb3JpZ2luX2Vj${'EXAMPLE1'.repeat(12)}`,
    text: `using IQoJb3JpZ2luX2Vj${'EXAMPLE1'.repeat(12)} now`,
  },
  {
    name: 'a private key',
    secret: 'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu',
    text: `-----BEGIN PRIVATE KEY-----\n${pemBody}\n-----END PRIVATE KEY-----`,
  },
  {
    name: 'a presigned URL',
    secret: 'fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024',
    text: 'https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024',
  },
  {
    name: 'the token of a presigned URL',
    secret: 'FQoGZXIvYXdzEJr%2F%2F%2F%2F%2F%2FwEaDK',
    text: 'GET https://b.s3.amazonaws.com/k?X-Amz-Security-Token=FQoGZXIvYXdzEJr%2F%2F%2F%2F%2F%2FwEaDK&x=1',
  },
  {
    name: 'a shared access signature',
    secret: 'Qm9vIQ8s7d6f5g4h3j2k1l0',
    text: 'https://a.blob.core.windows.net/c?sv=1&sig=Qm9vIQ8s7d6f5g4h3j2k1l0',
  },
  {
    name: 'a token in a URL',
    secret: 'tk-77aa88bb',
    text: 'https://example.com/reset?token=tk-77aa88bb#top',
  },
  { name: 'the password of a URL', secret: 'hunter2pw', text: 'postgres://app:hunter2pw@db:5432/shop' },
  {
    name: "GitHub's token",
    secret: 'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    text: 'git: ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  },
  {
    name: "Slack's token",
    secret: 'xoxb-263594206564-2343594206564-FGqddMF8t08v8N7Oq4i57vs1',
    text: 'xoxb-263594206564-2343594206564-FGqddMF8t08v8N7Oq4i57vs1',
  },
  {
    name: "Stripe's key",
    secret: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    text: 'stripe(sk_live_4eC39HqLyjWDarjtT1zdp7dc)',
  },
  {
    name: "a webhook's signing secret",
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    text: 'signed by whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  },
  { name: 'a form', secret: 'swordfish77', text: 'user=jo&password=swordfish77&remember=1' },
  { name: 'an encoded form', secret: 'sword fish/8', text: 'user=jo&new_password=sword+fish%2F8' },
  { name: 'a form with JSON', secret: 'pay-load-1', text: 'payload=%7B%22token%22%3A%22pay-load-1%22%7D' },
  {
    name: 'a printed object',
    secret: 'open sesame',
    text: "login failed { user: 'jo', password: 'open sesame' }",
  },
  { name: 'JSON in a line', secret: 'abc"def', text: 'got {"clientSecret":"abc\\"def"} from upstream' },
  {
    name: 'escaped JSON in a line',
    secret: 'esc-aped',
    text: 'body: "{\\"api_key\\":\\"esc-aped\\"}" was refused',
  },
  { name: 'a line of a .env', secret: 'db-pa55-word', text: 'DB_PASSWORD=db-pa55-word' },
  { name: 'a cookie', secret: 's%3AqX9.z', text: 'Cookie: theme=dark; sid=s%3AqX9.z' },
  { name: 'XML', secret: 'xml-secret-1', text: '<a:login><a:password>xml-secret-1</a:password></a:login>' },
  {
    name: 'a form of parts',
    secret: 'part-secret-2',
    text: '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\npart-secret-2\r\n--b--\r\n',
  },
]

/** Secrets that the name of their field tells. */
export const named: Readonly<Record<string, string>> = {
  Authorization: 'raw-authorization-1',
  'proxy-authorization': 'raw-proxy-2',
  'X-Api-Key': 'raw-api-key-3',
  'x-amz-security-token': 'raw-security-4',
  Cookie: 'a=raw-cookie-5',
  'set-cookie': 'b=raw-set-cookie-6',
  password: 'raw-password-7',
  client_secret: 'raw-client-8',
  refreshToken: 'raw-refresh-9',
  idToken: 'raw-id-10',
  privateKey: 'raw-private-11',
  stripeSecretKey: 'raw-stripe-12',
  'user[password]': 'raw-user-13',
  cvv: 'raw-cvv-14',
  ssn: 'raw-ssn-15',
}
