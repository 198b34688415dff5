export const greeting = 'Hello from this machine'
