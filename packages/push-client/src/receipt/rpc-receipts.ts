/** Receipts of pushes as the service `receipt` counts them: its calls for those who push. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson, type RpcCaller } from '@im/rpc';
import { isReceiptSums } from '../wire.js';
import type { PushEntry, PushReceipts } from './push-receipts.js';

const SERVICE = 'receipt';
/** Of one call, so that it stays below what calls may carry, whatever names users have. */
const ENTRIES_AT_ONCE = 4_000;

/** @param caller stays whose it is */
export function createRpcReceipts(caller: RpcCaller): PushReceipts {
  async function call(method: string, input: unknown): Promise<unknown> {
    try {
      const { body } = await caller.call(SERVICE, method, encodeJson(input), { idempotent: true });
      return decodeJson(body);
    } catch (thrown) {
      const error = ImError.wrap(thrown);
      const isUnserved = error.name === 'SERVICE_UNKNOWN' || error.name === 'METHOD_UNKNOWN';
      throw isUnserved ? new ImError('RECEIPTS_UNSERVED', { cause: error }) : error;
    }
  }
  return {
    async prepare(push, users) {
      await call('$prepare', { ...push, users });
    },
    async ask(push, entries) {
      const parts: (readonly PushEntry[])[] = [];
      for (let at = 0; at < entries.length; at += ENTRIES_AT_ONCE) parts.push(entries.slice(at, at + ENTRIES_AT_ONCE));
      await Promise.all(parts.map((part) => call('$ask', { ...push, entries: part })));
    },
    async sums(push) {
      const sums = await call('$asked', push);
      if (!isReceiptSums(sums)) throw new ImError('INVALID_OUTPUT');
      return sums;
    },
  };
}
