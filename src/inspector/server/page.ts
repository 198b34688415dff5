import { readFile } from 'node:fs/promises'
import { type RunFile, runFile } from '../../run-files.js'
import type { HttpReply } from './respond.js'

const FILES: Readonly<Record<string, readonly [RunFile, string]>> = {
  '/app.js': ['page-script', 'text/javascript; charset=utf-8'],
  '/app.css': ['page-style', 'text/css; charset=utf-8'],
}

/** Reads a file of the page. All pages are the same document. @throws TetherError if the package is incomplete */
export async function pageFile(path: string): Promise<HttpReply> {
  const [name, type] = FILES[path] ?? ['page-html', 'text/html; charset=utf-8']
  return { headers: { 'Content-Type': type }, body: await readFile(runFile(name)) }
}
