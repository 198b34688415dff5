/** Asks for an answer, and shows its words as they come. */
export const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Streaming</title>
  <form><input name="question" value="streams" autofocus /> <button>Ask</button></form>
  <p id="answer"></p>
  <script>
    const form = document.querySelector('form')
    const answer = document.querySelector('#answer')
    form.addEventListener('submit', (submitted) => {
      submitted.preventDefault()
      answer.textContent = ''
      const events = new EventSource('/events?' + new URLSearchParams(new FormData(form)))
      events.addEventListener('message', ({ data }) => {
        answer.textContent += JSON.parse(data).word + ' '
      })
      for (const end of ['done', 'error']) events.addEventListener(end, () => events.close())
    })
  </script>
</html>
`
