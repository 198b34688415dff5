import { setTimeout as sleep } from 'node:timers/promises'
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation'

/**
 * Deploys templates by CloudFormation. On an account, functions with assets need `npx cdk deploy` here, which uploads them.
 * @param client options of its client
 */
export function deployer(client) {
  const cloudFormation = new CloudFormationClient(client)
  const status = async (StackName) => {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }))
    return Stacks[0].StackStatus
  }
  return async ({ templates }) => {
    for (const [StackName, template] of Object.entries(templates)) {
      const input = { StackName, TemplateBody: JSON.stringify(template), Capabilities: ['CAPABILITY_IAM'] }
      const exists = await status(StackName).then(
        () => true,
        () => false,
      )
      await cloudFormation.send(exists ? new UpdateStackCommand(input) : new CreateStackCommand(input))
      let now = await status(StackName)
      for (; now.endsWith('_IN_PROGRESS'); now = await status(StackName)) await sleep(200)
      if (!/^(CREATE|UPDATE)_COMPLETE$/.test(now)) throw new Error(`The stack ${StackName} is in ${now}.`)
    }
  }
}
