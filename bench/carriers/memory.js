import { memory } from 'lambda-tether/transports/memory'
import { frameEcho } from './frame-echo.js'

/** `memory`: both sides in one process, with no broker between them. */
export const memoryCarrier = {
  transport: () => memory(),
  echo: ({ transport }) => frameEcho(transport),
  pauseMs: 0,
}
