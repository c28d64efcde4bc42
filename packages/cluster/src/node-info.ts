/** Comparing what is known of nodes. */
import type { NodeInfo } from '@im/protocol/ports';

/** Apart from load, which changes all the time and is no news by itself. */
export function isSameNode(one: NodeInfo, other: NodeInfo): boolean {
  return (
    one.incarnation === other.incarnation &&
    one.role === other.role &&
    one.version === other.version &&
    one.weight === other.weight &&
    one.draining === other.draining &&
    one.startedAt === other.startedAt &&
    isSameRecord(one.addresses, other.addresses) &&
    isSameRecord(one.labels, other.labels)
  );
}

/** Whether only one of the two can be alive. */
export function isSamePlace(one: NodeInfo, other: NodeInfo): boolean {
  return one.role === other.role && isSameRecord(one.addresses, other.addresses);
}

/** @param one in the same order @param other by id */
export function areSameNodes(one: readonly NodeInfo[], other: readonly NodeInfo[]): boolean {
  return (
    one.length === other.length &&
    one.every((node, index) => {
      const counterpart = other[index];
      return counterpart !== undefined && node.id === counterpart.id && isSameNode(node, counterpart);
    })
  );
}

export function byId(one: NodeInfo, other: NodeInfo): number {
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function isSameRecord(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
