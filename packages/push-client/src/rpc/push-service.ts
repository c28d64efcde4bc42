/**
 * Pushing by RPC: the service that takes the JSON of docs/push.md as a call, so that backends push over ZeroMQ with the
 * callers that they have, and tells them of receipts. Its methods begin with `$`: clients cannot call them through a gateway.
 */
import { decodeJson, encodeJson, type Registration, type RpcWorker } from '@im/rpc';
import { invalid } from '../publication.js';
import type { PushClient } from '../push-client.js';
import { sendPush, sendReceiptOf } from '../send-push.js';
import { parsePush, parseReceiptOf, toOutcome } from '../wire.js';

export const PUSH_SERVICE = 'push';
export const PUSH_METHOD = '$send';
export const RECEIPT_METHOD = '$receipt';

export interface PushServiceOptions {
  readonly worker: RpcWorker;
  readonly client: PushClient;
  /** Of the code, for canary and hot update. */
  readonly version: string;
}

/**
 * Settles when callers can reach it. Calls of the priority lane, and sums, are idempotent by their message id.
 * @throws ImError as RpcWorker.serve does
 */
export function servePush({ worker, client, version }: PushServiceOptions): Promise<Registration> {
  const send = async (body: Uint8Array) => toOutcome(await sendPush(client, parsePush(read(body))));
  const receiptOf = (body: Uint8Array) => sendReceiptOf(client, parseReceiptOf(read(body)));
  return worker.serve({
    name: PUSH_SERVICE,
    version,
    methods: [PUSH_METHOD, RECEIPT_METHOD],
    async handle({ method, body }) {
      const answer = method === RECEIPT_METHOD ? await receiptOf(body) : await send(body);
      return { body: encodeJson(answer), headers: {} };
    },
  });
}

function read(body: Uint8Array): unknown {
  try {
    return decodeJson(body);
  } catch (cause) {
    throw invalid('push', 'not JSON', cause);
  }
}
