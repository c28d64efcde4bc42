/** The kind of a group, without the cost of parsing all of its id. */

/** @param group a valid group id */
export function kindOf(group: string): string {
  return group.slice(group.indexOf('/') + 1, group.indexOf(':'));
}
