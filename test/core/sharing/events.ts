/** One request, as each service makes an event of it. */
export interface Request {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

const withCookies = ({ headers = {}, cookies = [] }: Request, name: string) =>
  cookies.length === 0 ? headers : { ...headers, [name]: cookies.join('; ') }
const capital = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  )
const lists = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))

function formatTwo(request: Request) {
  const { method = 'GET', path = '/', headers = {}, cookies = [] } = request
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    ...(cookies.length > 0 && { cookies }),
    headers,
    requestContext: { http: { method, path, protocol: 'HTTP/1.1' }, routeKey: '$default', stage: '$default' },
    isBase64Encoded: false,
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html, urls-invocation.html, services-alb.html */
export const HTTP_EVENTS: Readonly<Record<string, (request: Request) => object>> = {
  'a REST API': (request) => {
    const { method = 'GET', path = '/' } = request
    const headers = capital(withCookies(request, 'cookie'))
    return {
      resource: '/{proxy+}',
      path,
      httpMethod: method,
      headers,
      multiValueHeaders: lists(headers),
      requestContext: { stage: 'dev', httpMethod: method, path: `/dev${path}` },
      body: null,
    }
  },
  'an HTTP API in format 1': (request) => {
    const { method = 'GET', path = '/' } = request
    const headers = withCookies(request, 'cookie')
    return {
      version: '1.0',
      path,
      httpMethod: method,
      headers,
      multiValueHeaders: lists(headers),
      requestContext: {},
    }
  },
  'an HTTP API in format 2': formatTwo,
  'a function URL': (request) => ({ ...formatTwo(request), rawPath: request.path ?? '/' }),
  'a load balancer': (request) => {
    const { method = 'GET', path = '/' } = request
    const headers = withCookies(request, 'cookie')
    return { requestContext: { elb: { targetGroupArn: 'arn' } }, httpMethod: method, path, headers, body: '' }
  },
  'a load balancer with lists': (request) => {
    const { method = 'GET', path = '/' } = request
    const multiValueHeaders = lists(withCookies(request, 'cookie'))
    return {
      requestContext: { elb: { targetGroupArn: 'arn' } },
      httpMethod: method,
      path,
      multiValueHeaders,
      body: '',
    }
  },
}

/** A batch of SQS, each message with these attributes. */
export const queueBatch = (...attributes: readonly Readonly<Record<string, string>>[]) => ({
  Records: attributes.map((each, at) => ({
    messageId: `m${at}`,
    body: '{"order":1}',
    messageAttributes: Object.fromEntries(
      Object.entries(each).map(([name, stringValue]) => [name, { stringValue, dataType: 'String' }]),
    ),
    eventSource: 'aws:sqs',
  })),
})

const snsAttributes = (attributes: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, Value]) => [name, { Type: 'String', Value }]))

/** What SNS invokes a function with. */
export const notification = (attributes: Readonly<Record<string, string>>) => ({
  Records: [
    { EventSource: 'aws:sns', Sns: { Message: 'hello', MessageAttributes: snsAttributes(attributes) } },
  ],
})

/** A message of SNS in a queue of SQS, without raw delivery. */
export const queuedNotification = (attributes: Readonly<Record<string, string>>) => ({
  Records: [
    {
      messageAttributes: {},
      body: JSON.stringify({
        Type: 'Notification',
        Message: 'x',
        MessageAttributes: snsAttributes(attributes),
      }),
    },
  ],
})
