/** The view that the page shows. Its address has it, so that it can be linked. */
export type View = 'invocations' | 'functions' | 'connection'

export interface Place {
  readonly view: View
  /** The open invocation. */
  readonly id?: string | undefined
}

const VIEWS: readonly View[] = ['functions', 'connection']

export function routeOf({ pathname, hash }: { readonly pathname: string; readonly hash: string }): Place {
  const id = /^\/i\/([^/]+)$/.exec(pathname)?.[1]
  const view = VIEWS.find((name) => hash === `#${name}`) ?? 'invocations'
  return id === undefined ? { view } : { view, id: decoded(id) }
}

export function addressOf({ view, id }: Place): string {
  const path = id === undefined ? '/' : `/i/${encodeURIComponent(id)}`
  return view === 'invocations' ? path : `${path}#${view}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
