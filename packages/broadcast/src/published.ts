/** What publishers are told of what became of a message of the priority lane. Pure. */
import type { Published, Sequenced } from './broadcast.js';

export function publishedAs(group: string, { epoch, version, duplicate }: Sequenced): Published {
  return duplicate ? { group, epoch, version, duplicate } : { group, epoch, version };
}

/** @param failed gets those that failed */
export function publishedOf(
  outcomes: ReadonlyMap<string, Sequenced | Error>,
  failed: Map<string, Error>,
): readonly Published[] {
  const published: Published[] = [];
  for (const [group, outcome] of outcomes) {
    if (outcome instanceof Error) failed.set(group, outcome);
    else published.push(publishedAs(group, outcome));
  }
  return published;
}
