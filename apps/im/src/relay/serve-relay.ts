/** Serves broadcast node, logs and online list of this process to workers in others. */
import type { Broadcast, Publisher } from '@im/broadcast';
import type { OnlineReader } from '@im/groups';
import { type ErrorBody, ImError } from '@im/protocol';
import { decodeJson, encodeJson, implementService, type RpcRequest, type RpcWorker, type ServedService } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import {
  HEAD,
  MAX_PAGE_BYTES,
  MAX_PAGE_ENTRIES,
  type Outcome,
  type Outcomes,
  PUBLISH,
  type PublishHead,
  publishHead,
  READ,
  RELAY_BROADCAST,
  RELAY_LOG,
  readInput,
  relayOnline,
} from './relay-contract.js';
import { decodeFrame, encodeFrame } from './relay-frame.js';

export interface RelayOptions {
  readonly worker: RpcWorker;
  readonly broadcast: Broadcast;
  readonly log: LogReader;
  readonly online: OnlineReader;
  readonly version: string;
}

export interface Relay {
  /** Answers the calls it has, takes no new ones. */
  close(): Promise<void>;
}

/** Settles when workers can reach it. */
export async function serveRelay({ worker, broadcast, log, online, version }: RelayOptions): Promise<Relay> {
  const publisher = broadcast.createPublisher();
  const services: ServedService[] = [
    { name: RELAY_BROADCAST, version, methods: [PUBLISH], handle: (request) => publishAll(publisher, request) },
    { name: RELAY_LOG, version, methods: [READ, HEAD], handle: (request) => readLog(log, request) },
    implementService(
      relayOnline,
      {
        $count: (group) => online.count(group),
        $has: ({ group, user }) => online.has(group, user),
        $page: async ({ group, ...options }) => {
          const { members, cursor } = await online.page(group, given(options));
          return { members: [...members], cursor };
        },
      },
      { version },
    ),
  ];
  const registrations = await Promise.all(services.map((service) => worker.serve(service)));
  return {
    async close() {
      await Promise.all(registrations.map((registration) => registration.drain()));
      await publisher.close();
    },
  };
}

/** All are handed to the publisher in one turn, in their order. */
async function publishAll(publisher: Publisher, request: RpcRequest) {
  const { head, next } = decodeFrame(request.body);
  const items = checked(publishHead, head).map((item) => ({ item, body: next(item.bytes) }));
  const settled: [index: number, outcome: Outcome][] = [];
  let onSettled = (): void => {};
  items.forEach(({ item, body }, index) => {
    void publish(publisher, item, body).then((outcome) => {
      settled.push([index, outcome]);
      onSettled();
    });
  });
  await request.send(encodeJson([] satisfies Outcomes));
  for (let left = items.length; left > 0; ) {
    if (settled.length === 0) {
      await new Promise<void>((resolve) => {
        onSettled = resolve;
      });
    }
    const outcomes: Outcomes = settled.splice(0);
    left -= outcomes.length;
    await request.send(encodeJson(outcomes));
  }
  return { body: encodeJson(undefined), headers: {} };
}

/** Never rejects. */
async function publish(
  publisher: Publisher,
  { groups, many, acknowledge, bytes: _, ...rest }: PublishHead[number],
  body: Uint8Array,
): Promise<Outcome> {
  const publication = given({ ...rest, body });
  try {
    if (!many) {
      return { published: [await publisher.publish(groups[0] ?? '', publication, { acknowledge })], failed: [] };
    }
    const { published, failed } = await publisher.publishMany(groups, publication, { acknowledge });
    return { published, failed: [...failed].map(([group, error]) => [group, bodyOf(error)]) };
  } catch (error) {
    return { published: [], failed: [], error: bodyOf(error) };
  }
}

async function readLog(log: LogReader, { method, body }: RpcRequest) {
  if (method === HEAD) return { body: encodeJson(await log.head(String(decodeJson(body)))), headers: {} };
  const { group, range } = checked(readInput, decodeJson(body));
  const maxBytes = Math.min(range.maxBytes ?? MAX_PAGE_BYTES, MAX_PAGE_BYTES);
  const { entries, ...position } = await log.read(group, {
    ...range,
    limit: Math.min(range.limit, MAX_PAGE_ENTRIES),
    maxBytes,
  });
  const heads = entries.map(({ body: { byteLength: bytes }, ...entry }) => ({ ...entry, bytes }));
  return {
    body: encodeFrame(
      { ...position, entries: heads },
      entries.map((entry) => entry.body),
    ),
    headers: {},
  };
}

function checked<Value>(
  schema: { safeParse(value: unknown): { success: boolean; data?: Value } },
  value: unknown,
): Value {
  const { success, data } = schema.safeParse(value);
  if (!success) throw new ImError('INVALID_ARGUMENT', { message: 'not what a relay takes' });
  return data as Value;
}

/** Without the members that are undefined: interfaces of engines tell absent from undefined. */
function given<Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}

function bodyOf(error: unknown): ErrorBody {
  return ImError.wrap(error).toBody();
}
