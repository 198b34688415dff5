/** Something that AWS charges for, and how much of it a run uses at most. */
export interface Charge {
  readonly what: string
  readonly amount: number
  readonly unit: string
  readonly usdPerMillion: number
}

// Prices of us-east-1, November 2026: https://aws.amazon.com/iot-core/pricing, /lambda/pricing, /s3/pricing,
// /api-gateway/pricing; no free tier is counted. Amounts are more than twice what a run on the local cloud uses, since on
// AWS it asks again until policies hold.
const CHARGES = {
  /** In units of 5 KB, on their way in and on their way out. */
  iotUnits: { what: 'AWS IoT messages', amount: 5_000, unit: 'units of 5 KB', usdPerMillion: 1 },
  invocations: { what: 'Lambda invocations', amount: 1_000, unit: 'requests', usdPerMillion: 0.2 },
  // At 256 MB, a second each.
  compute: { what: 'Lambda compute', amount: 1_000 * 0.25, unit: 'GB-seconds', usdPerMillion: 16.67 },
  puts: { what: 'S3 requests', amount: 400, unit: 'requests', usdPerMillion: 5 },
  transfer: { what: 'bytes to the internet', amount: 60, unit: 'MB', usdPerMillion: 88 },
  gateway: { what: 'API Gateway messages', amount: 2_000, unit: 'messages', usdPerMillion: 1 },
} as const satisfies Readonly<Record<string, Charge>>

/** What a run may use at most. */
export const AMOUNTS = {
  iotUnits: CHARGES.iotUnits.amount,
  invocations: CHARGES.invocations.amount,
}

/** What a run is charged for; API Gateway only where a debug stack is given. */
export function chargesOf(withStack: boolean): Charge[] {
  const { gateway, ...others } = CHARGES
  return withStack ? [...Object.values(others), gateway] : Object.values(others)
}

/** The most that a run costs, in US dollars. */
export function costOf(charges: readonly Charge[]): number {
  return charges.reduce((sum, { amount, usdPerMillion }) => sum + (amount * usdPerMillion) / 1e6, 0)
}
