import { NO_RATE, startLocal } from './local.js'
import { hasMosquitto, startMosquitto } from './mosquitto.js'

/** Mosquitto if it is installed, else the local broker without its rate limits, which `throughput` measures. */
export const startBroker = (options) =>
  hasMosquitto() ? startMosquitto(options) : startLocal({ limits: NO_RATE })
