/** How far an attempt to connect came: `publish` once it was established. */
export type ConnectPhase =
  | 'resolve'
  | 'proxy'
  | 'socket'
  | 'tls'
  | 'upgrade'
  | 'connect'
  | 'subscribe'
  | 'publish'
