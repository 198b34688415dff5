const MAX_LETTERS = 10_000

/** The beginning of a body that is not JSON. */
export function Base64({ text }: { readonly text: string }) {
  const shown = text.length > MAX_LETTERS ? `${text.slice(0, MAX_LETTERS)}…` : text
  return <span>{`No JSON. In base64: ${shown}`}</span>
}
