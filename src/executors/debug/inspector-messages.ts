/** Host to the inspector's thread. */
export type InspectorRequest =
  /** The answer is `opened` or `closed`. */
  | { readonly kind: 'connect'; readonly link: number; readonly threadId: number }
  | { readonly kind: 'send'; readonly link: number; readonly message: string }
  | { readonly kind: 'close'; readonly link: number }

/** The inspector's thread to its host. `closed` is the last report of a link. */
export type InspectorReport =
  | { readonly kind: 'opened'; readonly link: number }
  | { readonly kind: 'message'; readonly link: number; readonly message: string }
  /** The thread has ended or does not exist. */
  | { readonly kind: 'closed'; readonly link: number }
