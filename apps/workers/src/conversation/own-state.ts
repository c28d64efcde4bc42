/**
 * Owns: what one person has set for themselves in a conversation, shared by all their devices: how far it was read, whether it is
 * muted, what was deleted. Records `c.<conversation>` of `u:<user>`; those of chat groups also say which ones the person is in.
 */
import type { RecordReader } from '@im/timeline';
import { jsonRecord } from './json-record.js';

export const OWN_STATE_PREFIX = 'c.';

export interface OwnState {
  /** Up to this version; absent: nothing. */
  readonly read?: number;
  readonly muted?: boolean;
  readonly forgotten?: Forgotten;
}

export interface Forgotten {
  readonly upTo: number;
  /** Single ones above that, ascending. */
  readonly versions: readonly number[];
}

export const NOTHING_SET: OwnState = {};
const NOTHING_FORGOTTEN: Forgotten = { upTo: 0, versions: [] };

export function ownStateField(conversation: string): string {
  return OWN_STATE_PREFIX + conversation;
}

/** @param owner `u:<user>` with the product. By conversation; what was never set is {@link NOTHING_SET}. @throws ImError as RecordReader.get */
export async function ownStates(
  records: RecordReader,
  owner: string,
  conversations: readonly string[],
): Promise<ReadonlyMap<string, OwnState>> {
  if (conversations.length === 0) return new Map();
  const found = await records.get(owner, conversations.map(ownStateField));
  return new Map(
    conversations.map((each) => [each, jsonRecord<OwnState>(found.get(ownStateField(each)))?.value ?? NOTHING_SET]),
  );
}

export function forgottenOf({ forgotten = NOTHING_FORGOTTEN }: OwnState): Forgotten {
  return forgotten;
}

export function isForgotten({ upTo, versions }: Forgotten, version: number): boolean {
  return version <= upTo || versions.includes(version);
}

/** With these deleted as well. */
export function withForgotten(
  forgotten: Forgotten,
  {
    upTo = 0,
    versions = [],
  }: { readonly upTo?: number | undefined; readonly versions?: readonly number[] | undefined },
): Forgotten {
  const below = Math.max(forgotten.upTo, upTo);
  const single = new Set([...forgotten.versions, ...versions].filter((version) => version > below));
  let reached = below;
  while (single.delete(reached + 1)) reached += 1;
  return { upTo: reached, versions: [...single].sort((a, b) => a - b) };
}
