/** The phase that a connect attempt reached; `publish` once it is established. */
export type ConnectPhase =
  | 'resolve'
  | 'proxy'
  | 'socket'
  | 'tls'
  | 'upgrade'
  | 'connect'
  | 'subscribe'
  | 'publish'
