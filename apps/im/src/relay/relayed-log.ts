/** Logs that are read in another process, by RPC. */

import { decodeJson, encodeJson, type RpcCaller } from '@im/rpc';
import type { Head, LogReader, Page, ReadRange } from '@im/timeline';
import { HEAD, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, READ, RELAY_LOG } from './relay-contract.js';
import { decodeFrame } from './relay-frame.js';

type BodilessPage = Head & {
  readonly entries: readonly ({ readonly version: number; readonly bytes: number } & Omit<
    Page['entries'][number],
    'body'
  >)[];
};

/** @param caller stays yours to close @param service that serves them */
export function createRelayedLogReader(caller: RpcCaller, service = RELAY_LOG): LogReader {
  const call = async (method: string, input: unknown): Promise<Uint8Array> =>
    (await caller.call(service, method, encodeJson(input), { idempotent: true })).body;

  async function readSome(group: string, range: ReadRange): Promise<Page> {
    const { head, next } = decodeFrame(await call(READ, { group, range }));
    const { entries, ...position } = head as BodilessPage;
    return { ...position, entries: entries.map(({ bytes, ...entry }) => ({ ...entry, body: next(bytes) })) };
  }

  return {
    head: async (group) => decodeJson(await call(HEAD, group)) as Head,
    /** One call carries less than a page may hold: further calls read on where the one before ended. */
    async read(group, range) {
      const page = await readSome(group, range);
      const entries = [...page.entries];
      for (let rest = restOf(range, page, entries); rest !== undefined; rest = restOf(range, page, entries)) {
        const more = await readSome(group, rest);
        const next = more.entries[0];
        // A log that began anew, or was trimmed in between: what is there already is without holes.
        if (next === undefined || more.epoch !== page.epoch || next.version !== followingOf(range, entries)) break;
        if (next.body.byteLength > (rest.maxBytes ?? Number.POSITIVE_INFINITY)) break;
        entries.push(...more.entries);
      }
      return { ...page, entries };
    },
  };
}

/** Which version the next entry has. */
function followingOf(range: ReadRange, entries: Page['entries']): number {
  const last = entries.at(-1)?.version ?? 0;
  return 'after' in range ? last + 1 : last - 1;
}

/** What is still to be read; undefined when there is all that was asked for. */
function restOf(range: ReadRange, { first, version }: Page, entries: Page['entries']): ReadRange | undefined {
  const { limit, maxBytes = Number.POSITIVE_INFINITY } = range;
  const last = entries.at(-1)?.version;
  if (last === undefined || (limit <= MAX_PAGE_ENTRIES && maxBytes <= MAX_PAGE_BYTES)) return undefined;
  if (entries.length >= limit || ('after' in range ? last >= version : last <= first)) return undefined;
  const left = { limit: limit - entries.length, ...leftBytes(range, entries) };
  return 'after' in range ? { after: last, ...left } : { before: last, ...left };
}

function leftBytes({ maxBytes }: ReadRange, entries: Page['entries']): { maxBytes?: number } {
  if (maxBytes === undefined) return {};
  return { maxBytes: Math.max(0, maxBytes - entries.reduce((sum, { body }) => sum + body.byteLength, 0)) };
}
