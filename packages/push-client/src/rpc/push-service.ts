/**
 * Pushing by RPC: the service that takes the JSON of docs/push.md as a call, so that backends push over ZeroMQ with the
 * callers that they have. Its method begins with `$`: clients cannot call it through a gateway.
 */
import { decodeJson, encodeJson, type Registration, type RpcWorker } from '@im/rpc';
import { invalid } from '../publication.js';
import type { PushClient } from '../push-client.js';
import { sendPush } from '../send-push.js';
import { parsePush, toOutcome } from '../wire.js';

export const PUSH_SERVICE = 'push';
export const PUSH_METHOD = '$send';

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
  return worker.serve({
    name: PUSH_SERVICE,
    version,
    methods: [PUSH_METHOD],
    async handle({ body }) {
      const outcome = await sendPush(client, parsePush(read(body)));
      return { body: encodeJson(toOutcome(outcome)), headers: {} };
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
