import type { PageState } from './page-state.js'

/** The keys and their effects, for the page's help. */
export const KEYS: readonly (readonly [string, string])[] = [
  ['j', 'Next invocation (older)'],
  ['k', 'Previous invocation (newer)'],
  ['r', 'Replay the open invocation'],
  ['e', 'Edit its event and replay it'],
  ['/', 'Search'],
  ['Esc', 'Close what is open'],
  ['?', 'This help'],
]

/** Listens to the page's keys, unless the focus is in a field. */
export function listenToKeys(page: PageState): void {
  window.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const { target } = event
    if (event.key !== 'Escape' && target instanceof Element && target.matches('input, textarea, select'))
      return
    if (press(page, event.key)) event.preventDefault()
  })
}

function press(page: PageState, key: string): boolean {
  const opened = page.opened.shown.value
  switch (key) {
    case 'j':
      page.step(1)
      return true
    case 'k':
      page.step(-1)
      return true
    case 'r':
      if (opened.state === 'read') void page.replay.run(opened.detail)
      return true
    case 'e':
      page.replay.editing.value = opened.state === 'read'
      return true
    case '?':
      page.dialog.value = 'help'
      return true
    case '/':
      document.querySelector<HTMLInputElement>('#search')?.focus()
      return true
    case 'Escape':
      close(page)
      return true
    default:
      return false
  }
}

function close(page: PageState): void {
  if (page.dialog.value !== undefined) page.dialog.value = undefined
  else if (page.replay.editing.value) page.replay.editing.value = false
  else if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur()
  else page.go({ id: undefined })
}
