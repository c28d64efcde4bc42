import type { Delivery, Publication } from '@im/protocol';
import { FakeClock, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Broadcast, Published, Sequenced } from '../broadcast.js';
import type { NodeBroadcast } from '../link/link-broadcast.js';
import { SimulatedNetwork } from '../link/simulated-network.fixture.js';
import { rendezvousOwner } from '../rendezvous.js';
import { normal, priority } from '../testing/contract/setting.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { BridgeNode } from './bridge-node.js';
import { BridgePool } from './bridge-pool.js';

const GROUPS = ['r:1', 'r:2', 'r:3'];
/** Their home is elsewhere. */
const STRANGE = 'r:9';
const ALSO_STRANGE = 'r:8';
const BRIDGES = ['x', 'y'];

/** The log of the home cell, as far as a gateway asks for it. */
class HomeLog extends FakeSequencer {
  readonly heads = new Map<string, number>();

  override async append(group: string, publication: Publication): Promise<Sequenced> {
    const sequenced = await super.append(group, publication);
    this.heads.set(group, Math.max(sequenced.version, this.heads.get(group) ?? 0));
    return sequenced;
  }
}

/** A gateway of the other cell: what came, what it had to pull from the log, what it was told. */
class Gateway {
  readonly normal: Delivery[] = [];
  readonly versions = new Map<string, number[]>();
  readonly pulled = new Map<string, number[]>();
  readonly positions = new Map<string, number>();
  readonly unknown = new Set<string>();
  readonly lost = new Map<string, number>();
  restored = 0;

  constructor(readonly log: HomeLog) {}

  readonly handlers = {
    onDelivery: (delivery: Delivery) => {
      const { group, version } = delivery;
      if (version === undefined) this.normal.push(delivery);
      else this.#upTo(group, version, true);
    },
    onHead: (group: string, { version }: { version: number }) => this.#upTo(group, version, false),
    onLoss: (group: string, count: number | undefined) => {
      if (count === undefined) this.unknown.add(group);
      else this.lost.set(group, (this.lost.get(group) ?? 0) + count);
    },
    onRestored: () => {
      this.restored++;
      for (const [group, head] of this.log.heads) this.#upTo(group, head, false);
    },
  };

  texts(group: string): number[] {
    return this.normal.filter((one) => one.group === group).map(({ body }) => Number(new TextDecoder().decode(body)));
  }

  #upTo(group: string, version: number, isDelivered: boolean): void {
    const at = this.positions.get(group) ?? 0;
    if (version <= at) return;
    const end = isDelivered ? version - 1 : version;
    for (let hole = at + 1; hole <= end; hole++) listOf(this.pulled, group).push(hole);
    if (isDelivered) listOf(this.versions, group).push(version);
    this.positions.set(group, version);
  }
}

function listOf<Value>(lists: Map<string, Value[]>, key: string): Value[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** Two cells: nodes a1 and a2 at home, bridges x and y in the other. */
class Cells {
  readonly clock = new FakeClock();
  readonly log = new HomeLog();
  readonly home: SimulatedNetwork;
  readonly abroad: SimulatedNetwork;
  readonly #homes = new Map<string, NodeBroadcast>();
  readonly #bridges = new Map<string, BridgeNode>();
  readonly #figures = new Map<string, RecordingMetrics>();

  constructor(seed: number) {
    this.home = new SimulatedNetwork(seededRandom(seed), ['a1', 'a2'], this.clock);
    this.abroad = new SimulatedNetwork(seededRandom(seed + 1), BRIDGES, this.clock);
    for (const id of ['a1', 'a2']) this.home.startNode(id, this.log);
    for (const id of BRIDGES) this.startBridge(id);
  }

  startBridge(id: string): void {
    const home = this.home.createBroadcast();
    this.#homes.set(id, home);
    this.abroad.start(id, (ports) => {
      const metrics = new RecordingMetrics();
      this.#figures.set(id, metrics);
      const isHome = (group: string): boolean => group !== STRANGE && group !== ALSO_STRANGE;
      const bridge = new BridgeNode({ ...ports, metrics, home, isHome });
      this.#bridges.set(id, bridge);
      bridge.setReach(home.nodesInReach > 0);
      home.onReach((nodes) => bridge.setReach(nodes > 0));
      return bridge;
    });
  }

  figuresOf(bridge: string): RecordingMetrics {
    return this.#figures.get(bridge) as RecordingMetrics;
  }

  killBridge(id: string): void {
    this.abroad.killNode(id);
    void this.#homes.get(id)?.close();
  }

  /** Only that bridge: the others reach the home cell as ever. */
  cutFromHome(id: string): void {
    void this.#homes.get(id)?.close();
    this.#bridges.get(id)?.setReach(false);
  }

  bridged(): Broadcast {
    const bridges = BRIDGES.map((id) => ({ id, broadcast: this.abroad.createBroadcast(id) }));
    return new BridgePool({ bridges, publishing: this.abroad.createBroadcast() });
  }

  steps(count: number): void {
    for (let left = count; left > 0; left--) {
      this.home.step();
      this.abroad.step();
    }
  }

  async quiet(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) {
      await this.home.quiet();
      await this.abroad.quiet();
    }
  }

  async seconds(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      this.clock.advance(1_000);
      await this.quiet();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.home.close(), this.abroad.close()]);
  }
}

async function setUp(seed: number) {
  const cells = new Cells(seed);
  await cells.quiet();
  const gateway = new Gateway(cells.log);
  const bridged = cells.bridged();
  await cells.quiet();
  const subscriber = bridged.createSubscriber(gateway.handlers);
  for (const group of GROUPS) subscriber.subscribe(group);
  const settling = subscriber.settled();
  await cells.quiet();
  await settling;
  gateway.unknown.clear();
  const atHome = cells.home.createBroadcast().createPublisher();
  await cells.quiet();
  return { cells, gateway, bridged, subscriber, atHome, abroad: bridged.createPublisher() };
}

describe('a bridge between cells', () => {
  it('delivers everything once and in order while nothing goes wrong, whoever publishes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { cells, gateway, atHome, abroad } = await setUp(seed);
        const outcomes: Promise<Published>[] = [];
        for (let number = 0; number < 20; number++) {
          for (const group of GROUPS) {
            void atHome.publish(group, normal(String(number)));
            outcomes.push(atHome.publish(group, priority('home')), abroad.publish(group, priority('abroad')));
          }
          cells.steps(2);
        }
        await cells.quiet();
        await Promise.all(outcomes);
        for (const group of GROUPS) {
          expect(gateway.texts(group)).toEqual(Array.from({ length: 20 }, (_, number) => number));
          expect(gateway.versions.get(group)).toEqual(Array.from({ length: 40 }, (_, number) => number + 1));
        }
        expect([gateway.pulled.size, gateway.unknown.size, gateway.lost.size]).toEqual([0, 0, 0]);
        await cells.close();
      }),
      { numRuns: 8 },
    );
  });

  it('goes on over the other bridge when one is killed: nothing twice, every version delivered or pulled, losses told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { cells, gateway, atHome, abroad } = await setUp(seed);
        const sent: Promise<Published>[] = [];
        for (let number = 0; number < 60; number++) {
          for (const group of GROUPS) {
            void atHome.publish(group, normal(String(number)), { acknowledge: 'none' });
            sent.push(atHome.publish(group, priority('home', { id: `h-${group}-${number}` })));
            sent.push(abroad.publish(group, priority('abroad', { id: `b-${group}-${number}` })));
          }
          cells.steps(6);
          if (number === 15) cells.killBridge('x');
          if (number === 30) cells.startBridge('x');
          if (number === 40) cells.killBridge('y');
          if (number % 5 === 0) await cells.quiet();
          if (number % 10 === 9) await cells.seconds(2);
        }
        await cells.seconds(12);
        const published = await Promise.all(sent);
        for (const group of GROUPS) {
          const versions = new Set(published.filter((one) => one.group === group).map(({ version }) => version));
          expect(versions.size, 'every publication has a version of its own').toBe(120);
          const delivered = gateway.versions.get(group) ?? [];
          const all = [...delivered, ...(gateway.pulled.get(group) ?? [])].sort((a, b) => a - b);
          expect(all, 'each version once').toEqual(Array.from({ length: 120 }, (_, number) => number + 1));
          const texts = gateway.texts(group);
          expect(texts, 'normal messages in order, none twice').toEqual([...new Set(texts)].sort((a, b) => a - b));
          if (texts.length + (gateway.lost.get(group) ?? 0) < 60) expect(gateway.unknown).toContain(group);
        }
        await cells.close();
      }),
      { numRuns: 10 },
    );
  });

  it('asks for comparison when something may have been lost between the home cell and the bridge', async () => {
    const { cells, gateway } = await setUp(13);
    const before = gateway.restored;
    cells.home.cut('a1');
    await cells.quiet();
    expect(gateway.restored).toBeGreaterThan(before);
    await cells.close();
  });

  it('leaves what peers have published to its outcome when a pack between the home cell and the bridge is missed', async () => {
    const { cells, gateway, abroad } = await setUp(13);
    const group = 'r:1';
    const [other = ''] = ['a1', 'a2'].filter((id) => id !== rendezvousOwner(group, ['a1', 'a2']));
    cells.log.hold();
    // Without an id: it could not be given again.
    const outcome = abroad.publish(group, priority('unanswered')).catch((error: unknown) => error);
    await cells.quiet();
    expect(cells.log.held).toBe(1);
    const before = gateway.restored;
    cells.home.cut(other);
    await cells.quiet();
    expect(gateway.restored).toBeGreaterThan(before);
    cells.log.release();
    await cells.quiet();
    expect(await outcome).toMatchObject({ group, version: 1 });
    await cells.close();
  });

  it('is left for another when it alone has lost the home cell', async () => {
    const { cells, gateway, atHome } = await setUp(11);
    cells.cutFromHome('x');
    await cells.seconds(6);
    for (const group of GROUPS) void atHome.publish(group, priority('afterwards'));
    await cells.quiet();
    expect(GROUPS.map((group) => gateway.versions.get(group))).toEqual(GROUPS.map(() => [1]));
    await cells.close();
  });

  it('takes and gives again what it can when the home cell is back', async () => {
    const { cells, gateway, atHome, abroad } = await setUp(7);
    cells.home.killNode('a1');
    cells.home.killNode('a2');
    await cells.seconds(8);
    const waiting = abroad.publish('r:1', priority('meanwhile', { id: 'm' }));
    await cells.seconds(2);
    cells.home.startNode('a1', cells.log);
    cells.home.startNode('a2', cells.log);
    await cells.seconds(6);
    expect(await waiting).toMatchObject({ group: 'r:1', version: 1 });
    void atHome.publish('r:1', priority('afterwards', { id: 'n' }));
    await cells.seconds(2);
    expect(gateway.positions.get('r:1')).toBe(2);
    await cells.close();
  });

  it('wants at home what its cell wants and nothing else', async () => {
    const { cells, subscriber, atHome, gateway } = await setUp(3);
    const other = cells.bridged().createSubscriber(gateway.handlers);
    await cells.quiet();
    other.subscribe('r:1');
    await cells.quiet();
    const before = cells.home.delivered;
    void atHome.publish('r:7', normal('nobody wants it'));
    void atHome.publish('r:7', priority('nobody wants it'));
    await cells.quiet();
    expect(cells.home.delivered - before, 'for a group that nobody there wants').toBe(0);
    void atHome.publish('r:1', normal('wanted twice there'));
    await cells.quiet();
    const passes = cells.home.delivered - before;
    expect(passes, 'once over the bridge that has the group').toBe(1);
    subscriber.unsubscribe('r:1');
    other.unsubscribe('r:1');
    // Both the gateways and the bridge keep it for a moment.
    await cells.seconds(13);
    const withdrawn = cells.home.delivered;
    void atHome.publish('r:1', normal('wanted no more'));
    await cells.quiet();
    expect(cells.home.delivered - withdrawn, 'once nobody wants it any more').toBe(0);
    await cells.close();
  });

  it('counts what it gives and what it cannot give by groups, on either lane', async () => {
    const { cells, abroad } = await setUp(5);
    const total = (name: string, lane?: string) =>
      BRIDGES.map((id) => cells.figuresOf(id).value(name, lane === undefined ? undefined : { lane })).reduce(
        (sum, value) => sum + value,
        0,
      );
    for (const publication of [normal('1'), priority('1', { id: '1' })]) {
      void abroad.publishMany([...GROUPS, STRANGE, ALSO_STRANGE], publication, { acknowledge: 'none' });
      void abroad.publish('r:1', publication, { acknowledge: 'none' });
    }
    await cells.quiet();
    expect(total('im_broadcast_bridge_forwarded_total', 'normal')).toBe(4);
    expect(total('im_broadcast_bridge_forwarded_total', 'priority')).toBe(4);
    expect(total('im_broadcast_bridge_lost_total')).toBe(2);
    await cells.close();
  });

  it('lets nothing pass whose home is another cell', async () => {
    const { cells, subscriber, gateway, abroad, atHome } = await setUp(5);
    subscriber.subscribe(STRANGE);
    const refused = abroad.publish(STRANGE, priority('x', { id: 'x' })).catch((error: unknown) => error);
    const refusedMany = abroad.publishMany(['r:1', STRANGE], priority('y', { id: 'y' }));
    await cells.quiet();
    expect(await refused).toMatchObject({ name: 'GROUP_INVALID' });
    expect([...(await refusedMany).failed.keys()]).toContain(STRANGE);
    void atHome.publish(STRANGE, normal('1'));
    void atHome.publish(STRANGE, priority('1'));
    await cells.quiet();
    expect([gateway.texts(STRANGE), gateway.versions.get(STRANGE)]).toEqual([[], undefined]);
    await cells.close();
  });
});
