import { render } from 'preact'
import { DetailView } from './detail/detail-view.js'
import { Filters } from './list/filters.js'
import { ListView } from './list/list-view.js'
import { listenToKeys } from './state/keyboard.js'
import { PageProvider, PageState, usePage } from './state/page-state.js'
import { Banners } from './views/banners.js'
import { ConnectionView } from './views/connection.js'
import { Dialogs } from './views/dialogs.js'
import { FunctionsView } from './views/functions.js'
import { Header } from './views/header.js'

function App() {
  const { view } = usePage().route.value
  return (
    <>
      <Header />
      <Banners />
      {view === 'invocations' && (
        <main class="invocations">
          <div class="left">
            <Filters />
            <ListView />
          </div>
          <div class="right">
            <DetailView />
          </div>
        </main>
      )}
      {view === 'functions' && <FunctionsView />}
      {view === 'connection' && <ConnectionView />}
      <Dialogs />
    </>
  )
}

const page = new PageState()
listenToKeys(page)
render(
  <PageProvider value={page}>
    <App />
  </PageProvider>,
  document.body,
)
void page.run(new AbortController().signal)
