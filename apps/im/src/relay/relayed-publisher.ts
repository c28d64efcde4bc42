/** A publisher whose broadcast node is in another process, reached by RPC. Owns nothing but what waits to be sent. */
import type { Published, PublishedMany, Publisher, PublishOptions } from '@im/broadcast';
import { ImError, type Lane, type Publication } from '@im/protocol';
import type { Metrics } from '@im/protocol/ports';
import { decodeJson, type RpcCaller } from '@im/rpc';
import { type Entrusted, LaneQueue, type QueueItem } from './lane-queue.js';
import { type Outcome, type Outcomes, PUBLISH, type PublishHead, RELAY_BROADCAST } from './relay-contract.js';
import { encodeFrame } from './relay-frame.js';

interface Item extends QueueItem {
  readonly head: PublishHead[number];
  readonly body: Uint8Array;
}

export interface RelayedPublisherOptions {
  /** Stays yours to close, after this publisher. */
  readonly caller: RpcCaller;
  readonly metrics: Metrics;
}

/** What a head adds to its body, about. */
const HEAD_BYTES = 256;
/** Of one item: with names of full length and a body of full size still below what one call may carry. */
const MAX_GROUPS = 4_000;

export function createRelayedPublisher({ caller, metrics }: RelayedPublisherOptions): Publisher {
  const send = (batch: readonly Entrusted<Item, Outcome>[]): Promise<void> => sendBatch(caller, batch);
  const lanes: Readonly<Record<Lane, LaneQueue<Item, Outcome>>> = {
    normal: new LaneQueue(send),
    priority: new LaneQueue(send),
  };
  const failures = metrics.counter('im_relay_unacknowledged_failures_total', {
    help: 'Publications that nobody waited for and that did not reach the broadcast node.',
  });
  for (const [lane, queue] of Object.entries(lanes)) {
    const help = 'Publications that the broadcast node of another process has not answered yet.';
    metrics.observe('im_relay_open_publications', { help, labels: { lane } }, () => queue.size);
  }
  let closed = false;

  /** Undefined when nobody waits for it. */
  async function relay(
    groups: readonly string[],
    many: boolean,
    { lane, event, body, id, time }: Publication,
    { acknowledge = 'accepted' }: PublishOptions,
  ): Promise<Outcome | undefined> {
    if (closed) throw new ImError('CLOSED');
    const queue = lanes[lane] as LaneQueue<Item, Outcome> | undefined;
    if (queue === undefined) throw new ImError('INVALID_ARGUMENT', { details: { field: 'lane' } });
    const head = { groups: [...groups], many, lane, event, id, time, acknowledge, bytes: body.byteLength };
    const bytes = body.byteLength + groups.reduce((sum, group) => sum + group.length + 3, HEAD_BYTES);
    const outcome = queue.push({ head, body, bytes, repeatable: lane === 'priority' && id !== undefined });
    if (acknowledge !== 'none') return outcome;
    outcome.then(
      ({ error, failed }) => failures.add(error === undefined ? failed.length : 1),
      () => failures.add(),
    );
    return undefined;
  }

  return {
    async publish(group, publication, options = {}) {
      const outcome = await relay([group], false, publication, options);
      if (outcome?.error !== undefined) throw ImError.from(outcome.error);
      return outcome?.published[0] ?? { group };
    },
    async publishMany(groups, publication, options = {}) {
      const distinct = [...new Set(groups)];
      const parts: string[][] = [];
      for (let at = 0; at === 0 || at < distinct.length; at += MAX_GROUPS)
        parts.push(distinct.slice(at, at + MAX_GROUPS));
      const outcomes = await Promise.all(parts.map((part) => relay(part, true, publication, options)));
      return mergeOutcomes(parts, outcomes);
    },
    async close() {
      closed = true;
      await Promise.all([lanes.normal.idle(), lanes.priority.idle()]);
    },
  };
}

/** @throws ImError for what no group could take */
function mergeOutcomes(parts: readonly string[][], outcomes: readonly (Outcome | undefined)[]): PublishedMany {
  const published: Published[] = [];
  const failed = new Map<string, Error>();
  for (const [at, outcome] of outcomes.entries()) {
    if (outcome?.error !== undefined) throw ImError.from(outcome.error);
    published.push(...(outcome?.published ?? (parts[at] ?? []).map((group) => ({ group }))));
    for (const [group, error] of outcome?.failed ?? []) failed.set(group, ImError.from(error));
  }
  return { published, failed };
}

/** Settles when the other process has handed all of them to its broadcast node, in order, or the call has failed. */
function sendBatch(caller: RpcCaller, batch: readonly Entrusted<Item, Outcome>[]): Promise<void> {
  return new Promise((taken) => {
    void (async () => {
      try {
        const heads = batch.map(({ item }) => item.head);
        const bodies = batch.map(({ item }) => item.body);
        const options = { idempotent: batch[0]?.item.repeatable };
        const stream = caller.stream(RELAY_BROADCAST, PUBLISH, encodeFrame(heads, bodies), options);
        for await (const part of stream) {
          taken();
          for (const [index, outcome] of decodeJson(part) as Outcomes) batch[index]?.resolve(outcome);
        }
        throw new ImError('INTERNAL', { message: 'a relay left an outcome out' });
      } catch (error) {
        // Those that have an outcome keep it.
        for (const { reject } of batch) reject(error);
        taken();
      }
    })();
  });
}
