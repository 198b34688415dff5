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

/** Returns a reference to a resource. */
export function ref(logicalId: string) {
  return { Ref: logicalId }
}

/** Returns a reference to an attribute of a resource. */
export function attribute(logicalId: string, name: string) {
  return { 'Fn::GetAtt': [logicalId, name] }
}

/** Returns a text in which CloudFormation fills in `${Id}`, `${Id.Attribute}` and `${AWS::Region}`. */
export function substitute(text: string) {
  return { 'Fn::Sub': text }
}

/** Returns the property `Tags` of resources that take a list; empty without tags. */
export function tagList(tags: Tags) {
  const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  return list.length === 0 ? {} : { Tags: list }
}

/** Returns the property `Tags` of API Gateway's resources, which take a map; empty without tags. */
export function tagMap(tags: Tags) {
  return Object.keys(tags).length === 0 ? {} : { Tags: tags }
}
