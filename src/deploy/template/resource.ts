// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
/** One resource of a CloudFormation template. */
export interface CloudFormationResource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DependsOn?: readonly string[]
}

/** Resources by their logical ids. */
export type CloudFormationResources = Readonly<Record<string, CloudFormationResource>>

/** Tags by key. */
export type Tags = Readonly<Record<string, string>>

/** What a resource's `Ref` gives. */
export function ref(logicalId: string) {
  return { Ref: logicalId }
}

/** An attribute of a resource. */
export function attribute(logicalId: string, name: string) {
  return { 'Fn::GetAtt': [logicalId, name] }
}

/** A text in which `${Id}`, `${Id.Attribute}` and `${AWS::Region}` are filled in. */
export function substitute(text: string) {
  return { 'Fn::Sub': text }
}

/** The property `Tags` of resources that have them as a list; none without tags. */
export function tagList(tags: Tags) {
  const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  return list.length === 0 ? {} : { Tags: list }
}

/** The property `Tags` of API Gateway's resources, which have them as a map; none without tags. */
export function tagMap(tags: Tags) {
  return Object.keys(tags).length === 0 ? {} : { Tags: tags }
}
