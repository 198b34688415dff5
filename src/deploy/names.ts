import { createHash } from 'node:crypto'

interface Stage {
  readonly app: string
  readonly stage: string
}

/** Returns the prefix of our layers' names. The bundle's name follows it. */
export function layerPrefixOf({ app, stage }: Stage): string {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage)}-`
}

/**
 * Returns the name of a role's inline policy: one for each session of an application and stage, and one for its team.
 */
export function policyNameOf({
  app,
  stage,
  session = DEFAULT_SESSION,
}: Stage & { readonly session?: string | undefined }) {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage, session)}`
}

/**
 * Returns the session name for a stub's policy: its own, or one name for the whole team, so that a new member needs no
 * new policy.
 */
export function policySession({
  session = DEFAULT_SESSION,
  team = [],
}: {
  readonly session?: string | undefined
  readonly team?: readonly string[] | undefined
}): string {
  return team.length > 1 ? TEAM_POLICY : (team[0] ?? session)
}

/** Stands for a team in place of a session's name. Session names contain no comma. */
export const TEAM_POLICY = ','

/** The session of a stub without an explicit session. */
export const DEFAULT_SESSION = 'default'

function readable(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 32)
}

function shortHash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)
}
