// Runs in a worker thread: the library's first comparison takes more than a second, which would block the host.
import { parentPort, workerData } from 'node:worker_threads'
import type { DiffAnswer, DiffRequest, LibraryResult } from '../infrastructure/differ-protocol.js'

type Library = typeof import('@aws-cdk/cloudformation-diff')

const library: Promise<Library> = import((workerData as { url: string }).url)

parentPort?.on('message', ({ id, before, after }: DiffRequest) => {
  compare(before, after).then(
    (result) => answer({ id, result }),
    (error: unknown) => answer({ id, error: String(error) }),
  )
})

function answer(message: DiffAnswer): void {
  parentPort?.postMessage(message)
}

async function compare(before: object, after: object): Promise<LibraryResult> {
  const module = (await library) as Library & { readonly default?: Library }
  // The library is CommonJS, and Node may not detect its named exports.
  const fullDiff = module.fullDiff ?? module.default?.fullDiff
  const diff = fullDiff(before, after)
  const resources: LibraryResult['resources'][number][] = []
  diff.resources.forEachDifference((logicalId, change) => {
    const properties = Object.entries(change.propertyUpdates).filter(([, { isDifferent }]) => isDifferent)
    resources.push({
      logicalId,
      type: change.resourceType ?? '',
      impact: change.changeImpact,
      properties: properties.map(([name]) => name),
    })
  })
  const { statements, managedPolicies } = diff.iamChanges
  // Added Allow statements and removed Deny statements.
  const widened = [
    ...statements.additions.filter(({ isNegativeStatement }) => !isNegativeStatement),
    ...statements.removals.filter(({ isNegativeStatement }) => isNegativeStatement),
  ].map(({ principals, actions, resources }) => ({
    principals: told(principals),
    actions: told(actions),
    resources: told(resources),
  }))
  const managed = managedPolicies.additions.map(({ identityArn, managedPolicyArn }) => ({
    principals: [identityArn],
    actions: [managedPolicyArn],
    resources: ['all that it names'],
  }))
  return { resources, widened: [...widened, ...managed] }
}

function told({ not, values }: { readonly not: boolean; readonly values: readonly string[] }): string[] {
  return not ? values.map((value) => `all but ${value}`) : [...values]
}
