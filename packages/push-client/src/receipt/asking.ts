/** A push that asks how many have it: checked, published under an id that asks, and told to those who count. */
import type { Published } from '@im/broadcast';
import { askingId, MAX_ID_LENGTH, type Publication } from '@im/protocol';
import { invalid } from '../publication.js';
import type { PushOptions } from '../push-client.js';
import type { PushEntry, PushReceipts } from './push-receipts.js';

const USER = 'u:';

/** @throws ImError INVALID_ARGUMENT for a push that asks and cannot be counted */
export function checkAsking(groups: readonly string[], { lane, id }: Publication, options: PushOptions): void {
  const { receipt = false, acknowledge } = options;
  if (typeof receipt !== 'boolean') throw invalid('receipt', 'neither true nor false');
  if (!receipt) return;
  // Who is in a room changes with every moment: there is no number of people whom its messages are for.
  if (!groups.every((group) => group.startsWith(USER))) throw invalid('receipt', 'for pushes to users alone');
  if (lane !== 'priority') throw invalid('receipt', 'for the priority lane alone');
  if (acknowledge === 'none') throw invalid('acknowledge', 'a push that asks for a receipt is acknowledged');
  if (id === undefined || id.length >= MAX_ID_LENGTH) {
    throw invalid('id', `a push that asks for a receipt has one of 1 to ${MAX_ID_LENGTH - 1} characters`);
  }
}

/**
 * What fails in between, a repetition under the same id completes.
 * @param groups of users @param publish publishes what it is given to all of them
 */
export async function asking<Outcome extends { readonly published: readonly Published[] }>(
  receipts: PushReceipts,
  groups: readonly string[],
  publication: Publication,
  { product }: Pick<PushOptions, 'product'>,
  publish: (asked: Publication) => Promise<Outcome>,
): Promise<Outcome> {
  const { id = '' } = publication;
  const users = [...new Set(groups)].map(userOf);
  // Before: a device may confirm before all are published.
  await receipts.prepare({ product, id }, users);
  const outcome = await publish({ ...publication, id: askingId(id) });
  const entries = outcome.published.flatMap(({ group, epoch, version }): PushEntry[] =>
    epoch === undefined || version === undefined ? [] : [[userOf(group), epoch, version]],
  );
  if (entries.length > 0) await receipts.ask({ product, id }, entries);
  return outcome;
}

function userOf(group: string): string {
  return group.slice(USER.length);
}
