export type ConnectPhase =
  | 'resolve'
  | 'proxy'
  | 'socket'
  | 'tls'
  | 'upgrade'
  | 'connect'
  | 'subscribe'
  | 'publish'
