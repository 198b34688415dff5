import { addressingMutants } from './addressing-mutants.js'
import { closingMutants } from './closing-mutants.js'
import { connectingMutants } from './connecting-mutants.js'
import { deliveryMutants } from './delivery-mutants.js'
import { keepMutants } from './keep-mutants.js'
import { laneMutants } from './lane-mutants.js'
import { sendingMutants } from './sending-mutants.js'
import { streamingMutants } from './streaming-mutants.js'
import type { TransportMutant } from './transport-mutation.js'

/** Every broken transport, in the order of the tests that catch them. */
export const TRANSPORT_MUTANTS: readonly TransportMutant[] = [
  ...connectingMutants,
  ...deliveryMutants,
  ...sendingMutants,
  ...streamingMutants,
  ...addressingMutants,
  ...laneMutants,
  ...keepMutants,
  ...closingMutants,
]
