import { createHash } from 'node:crypto'

interface Stage {
  readonly app: string
  readonly stage: string
}

/** What the names of our layers begin with; what follows is the bundle's name. */
export function layerPrefixOf({ app, stage }: Stage): string {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage)}-`
}

/** The name of the inline policy of a role: one for each session of an application and stage, and one for its team. */
export function policyNameOf({
  app,
  stage,
  session = DEFAULT_SESSION,
}: Stage & { readonly session?: string | undefined }) {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage, session)}`
}

/** Whose policy a stub has: its session's, or its team's, which stays one policy when somebody joins. */
export function policySession({
  session = DEFAULT_SESSION,
  team = [],
}: {
  readonly session?: string | undefined
  readonly team?: readonly string[] | undefined
}): string {
  return team.length > 1 ? TEAM_POLICY : (team[0] ?? session)
}

/** Stands for a team in the place of a session's name, which has no comma. */
export const TEAM_POLICY = ','

/** The session of a stub that names none. */
export const DEFAULT_SESSION = 'default'

function readable(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 32)
}

function shortHash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)
}
