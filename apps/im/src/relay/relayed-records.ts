/** Records that are kept in another process, read and written by RPC. */
import { encodeJson, type RpcCaller } from '@im/rpc';
import type { NamedRecord, RecordStore, StoredRecord } from '@im/timeline';
import { decodeFrame, encodeFrame, type RelayFrame } from './relay-frame.js';
import { GET, getAnswer, PAGE, pageAnswer, RELAY_RECORD, WRITE } from './relay-record-contract.js';

/**
 * Beside the errors of a record store there are those of a call: UNAVAILABLE, DEADLINE_EXCEEDED, CALL_LOST (retryable).
 * @param caller stays yours to close @param service that serves them
 */
export function createRelayedRecords(caller: RpcCaller, service = RELAY_RECORD): RecordStore {
  const ask = async (method: string, input: unknown): Promise<RelayFrame> =>
    decodeFrame((await caller.call(service, method, encodeJson(input), { idempotent: true })).body);

  return {
    /** One call carries less than all may be: further calls ask for the rest. */
    async get(owner, fields) {
      const found = new Map<string, StoredRecord>();
      for (let from = 0; from < fields.length; ) {
        const frame = await ask(GET, { owner, fields: fields.slice(from) });
        const { records, looked } = getAnswer.parse(frame.head);
        for (const { field, ...record } of recordsOf(records, frame)) found.set(field, record);
        from += looked;
      }
      return found;
    },
    async page(owner, range) {
      const frame = await ask(PAGE, { owner, range });
      const { records, more } = pageAnswer.parse(frame.head);
      return { records: recordsOf(records, frame), more };
    },
    async write(owner, changes) {
      const heads = changes.map(({ field, body, revision }) => ({ field, bytes: body?.byteLength, revision }));
      const bodies = changes.map(({ body }) => body).filter((body) => body !== undefined);
      await caller.call(service, WRITE, encodeFrame({ owner, changes: heads }, bodies));
    },
  };
}

type Heads = readonly { readonly field: string; readonly revision: number; readonly bytes: number }[];

function recordsOf(heads: Heads, { next }: RelayFrame): NamedRecord[] {
  return heads.map(({ field, revision, bytes }) => ({ field, revision, body: next(bytes) }));
}
