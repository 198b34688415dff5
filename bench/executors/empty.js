import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Starts a thread with an empty file; resolves when it has ended. */
export const emptyThread = (file) => once(new Worker(file), 'exit')

/** Starts a process with an empty file; resolves when it has ended. */
export const emptyProcess = (program, file) => once(spawn(program, [file], { stdio: 'ignore' }), 'exit')
