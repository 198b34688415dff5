/** Host to the inspector's thread. */
export type InspectorRequest =
  /** Answered with `opened` or `closed`. */
  | { readonly kind: 'connect'; readonly link: number; readonly threadId: number }
  | { readonly kind: 'send'; readonly link: number; readonly message: string }
  | { readonly kind: 'close'; readonly link: number }

/** The inspector's thread to its host. Nothing comes for a link after `closed`. */
export type InspectorReport =
  | { readonly kind: 'opened'; readonly link: number }
  | { readonly kind: 'message'; readonly link: number; readonly message: string }
  /** The thread that was asked for has ended, or is not there. */
  | { readonly kind: 'closed'; readonly link: number }
