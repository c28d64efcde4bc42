/** All services on memory engines, and people who call them as a gateway would; for this package's tests. */
import { createMemoryBroadcast } from '@im/broadcast/memory';
import type { OnlineMember, OnlineReader } from '@im/groups';
import { type CallerContext, CONNECTION_HEADER, type Delivery, EFFECTS_HEADER, type Effect } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { type ClientCallOptions, createServiceClient, type MethodDefinitions, type ServiceDefinition } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { type LogStore, openIdSource, type RecordStore } from '@im/timeline';
import { createMemoryLogStore, createMemoryRecordStore } from '@im/timeline/memory';
import type { OfflineSink } from './offline/offline-event.js';
import { createWorkers, type Workers, type WorkersOptions } from './workers.js';

/** Who is where, as a gateway would keep it: people enter when the effect of their call says so. */
class FakeOnline implements OnlineReader {
  readonly groups = new Map<string, Map<string, OnlineMember>>();

  enter(group: string, user: string, attributes: OnlineMember['attributes'] = {}): void {
    const members = this.groups.get(group) ?? new Map<string, OnlineMember>();
    this.groups.set(group, members.set(user, { user, attributes, sinceMs: members.size }));
  }

  leave(group: string, user: string): void {
    this.groups.get(group)?.delete(user);
  }

  async count(group: string): Promise<number> {
    return this.groups.get(group)?.size ?? 0;
  }

  async has(group: string, user: string): Promise<boolean> {
    return this.groups.get(group)?.has(user) ?? false;
  }

  async page(group: string, { cursor, limit }: { cursor?: string; limit: number }) {
    const all = [...(this.groups.get(group)?.values() ?? [])];
    const from = Number(cursor ?? 0);
    const members = all.slice(from, from + limit);
    return { members, ...(from + limit < all.length && { cursor: String(from + limit) }) };
  }
}

/** As conversations are kept, not rooms. */
const RETENTION = { maxEntries: 100_000, maxBytes: 67_108_864, maxAgeMs: 90 * 86_400_000 };

const FREE = { perSecond: 10_000, burst: 1_000_000 };
/** Of conversations. */
export const FREE_RATES = { message: FREE, unanswered: FREE, change: FREE, mark: FREE, look: FREE };

export interface FixtureOptions extends Partial<Pick<WorkersOptions, 'developmentSecret' | 'rates' | 'onlineLagMs'>> {
  /** Puts something between the services and the log. */
  readonly wrapLog?: (log: LogStore) => LogStore;
  readonly wrapRecords?: (records: RecordStore) => RecordStore;
  /** Told of messages for people who are not `connected`. */
  readonly offlineSink?: OfflineSink;
}

export async function startWorkers({
  wrapLog = (log) => log,
  wrapRecords = (records) => records,
  offlineSink,
  ...options
}: FixtureOptions = {}) {
  const clock = new FakeClock();
  const ports = { clock, logger: new RecordingLogger(), metrics: new RecordingMetrics() };
  const rpc = createMemoryRpc(ports);
  const log = wrapLog(createMemoryLogStore({ retention: { default: RETENTION } }));
  const records = wrapRecords(createMemoryRecordStore({ clock }));
  const ids = await openIdSource({ records, clock });
  const broadcast = createMemoryBroadcast({ sequencer: log, ...ports });
  const online = new FakeOnline();
  /** Users' groups. */
  const connected = new Set<string>();
  const users = { sessionsOf: async (userGroup: string) => (connected.has(userGroup) ? [{}] : []) };
  const deliveries: Delivery[] = [];
  const subscriber = broadcast.createSubscriber({ onDelivery: (delivery) => deliveries.push(delivery) });
  const caller = rpc.createCaller();
  const publisher = broadcast.createPublisher();
  const start = (metrics = ports.metrics) =>
    createWorkers({
      worker: rpc.createWorker(),
      publisher,
      ...{ log, records, ids, online },
      version: '1',
      ...ports,
      metrics,
      ...options,
      ...(offlineSink && {
        offline: { users, sinks: [offlineSink], preview: true, outbox: { publisher, log, records } },
      }),
    });
  const workers = await start();
  const others: Workers[] = [];

  /** A client of one service for one person. */
  function as<Methods extends MethodDefinitions>(
    definition: ServiceDefinition<Methods>,
    user: string,
    extra: Partial<CallerContext> = {},
  ) {
    const connection: CallerContext = {
      gateway: 'g1',
      session: `s-${user}`,
      user,
      device: 'd1',
      platform: 'web',
      address: '127.0.0.1',
      sequence: 1,
      attributes: {},
      claims: { name: user.toUpperCase() },
      ...extra,
    };
    return createServiceClient(definition, caller, { headers: { [CONNECTION_HEADER]: connection } });
  }

  return {
    ...ports,
    rpc,
    caller,
    log,
    records,
    ids,
    online,
    connected,
    deliveries,
    as,
    workers,
    /** Another worker beside the first, which shares nothing with it but the stores. */
    startAnother: async () => void others.push(await start(new RecordingMetrics())),
    watch: (group: string) => subscriber.subscribe(group),
    /** Bodies of what was delivered, parsed. */
    pushes: (event: string) =>
      deliveries.filter((one) => one.event === event).map(({ body }) => JSON.parse(new TextDecoder().decode(body))),
    async close() {
      await Promise.all([workers, ...others].map((each) => each.close()));
      ids.close();
      await rpc.close();
      await broadcast.close();
      await log.close();
    },
  };
}

export type WorkerFixture = Awaited<ReturnType<typeof startWorkers>>;

/** The key of a call as gateways pass it on. */
export const withKey = (user: string, key: string): ClientCallOptions => ({ key: `/${user}/${key}` });

export const effectsOf = (headers: Readonly<Record<string, unknown>>): readonly Effect[] =>
  (headers[EFFECTS_HEADER] ?? []) as readonly Effect[];
