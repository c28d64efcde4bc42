import { describe, expect, it, vi } from 'vitest';
import type { SubscriberHandlers } from '../broadcast.js';
import type { NodeBroadcast } from '../link/link-broadcast.js';
import { createMemoryBroadcast } from '../memory/memory-broadcast.js';
import { rendezvousOwner } from '../rendezvous.js';
import { normal } from '../testing/contract/setting.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { BridgePool } from './bridge-pool.js';

/** A bridge that is in reach when a test says so. */
function fakeBridge() {
  const broadcast = createMemoryBroadcast({ sequencer: new FakeSequencer() });
  const listeners: ((nodes: number) => void)[] = [];
  const subscribed: SubscriberHandlers[] = [];
  let nodesInReach = 1;
  const settled = vi.fn(async () => {});
  const bridge: NodeBroadcast = {
    ready: async () => {},
    get nodesInReach() {
      return nodesInReach;
    },
    onReach: (listener) => void listeners.push(listener),
    createPublisher: () => broadcast.createPublisher(),
    createSubscriber: (handlers) => {
      const subscriber = broadcast.createSubscriber(handlers);
      subscribed.push(handlers);
      return {
        subscribe: (group) => subscriber.subscribe(group),
        // A bridge still sends for a while.
        unsubscribe: () => {},
        settled,
        close: () => subscriber.close(),
      };
    },
    close: () => broadcast.close(),
  };
  const reach = (nodes: number): void => {
    nodesInReach = nodes;
    for (const listener of listeners) listener(nodes);
  };
  const say = async (group: string, text: string): Promise<void> => {
    await broadcast.createPublisher().publish(group, normal(text));
  };
  const lose = (group: string): void => {
    for (const handlers of subscribed) handlers.onLoss?.(group, undefined);
  };
  return { bridge, reach, say, lose, settled };
}

function setUp() {
  const bridges = { x: fakeBridge(), y: fakeBridge() };
  const pool = new BridgePool({
    bridges: Object.entries(bridges).map(([id, { bridge }]) => ({ id, broadcast: bridge })),
    publishing: fakeBridge().bridge,
  });
  const texts: string[] = [];
  const losses: [string, number | undefined][] = [];
  const onRestored = vi.fn();
  const subscriber = pool.createSubscriber({
    onDelivery: ({ body }) => void texts.push(new TextDecoder().decode(body)),
    onLoss: (group, count) => void losses.push([group, count]),
    onRestored,
  });
  return { ...bridges, pool, subscriber, texts, losses, onRestored };
}

/** Groups that belong to a bridge while both are in reach. */
const groupsOf = (owner: string): string[] =>
  Array.from({ length: 20 }, (_, number) => `r:${number}`).filter(
    (group) => rendezvousOwner(group, ['x', 'y']) === owner,
  );
const [OF_X = ''] = groupsOf('x');
const [OF_Y = ''] = groupsOf('y');

describe('BridgePool', () => {
  it('gets each group over one bridge', async () => {
    const { x, y, pool, subscriber, texts } = setUp();
    subscriber.subscribe(OF_X);
    subscriber.subscribe(OF_Y);
    for (const [name, { say }] of Object.entries({ x, y })) {
      await say(OF_X, `x's over ${name}`);
      await say(OF_Y, `y's over ${name}`);
    }
    await vi.waitFor(() => expect(texts.sort()).toEqual(["x's over x", "y's over y"]));
    await pool.close();
  });

  it('moves groups from a bridge that is gone, tells an unknown loss, and asks for comparison once they are in force', async () => {
    const { x, y, pool, subscriber, texts, losses, onRestored } = setUp();
    subscriber.subscribe(OF_X);
    subscriber.subscribe(OF_Y);
    x.reach(0);
    expect(losses).toEqual([[OF_X, undefined]]);
    expect(onRestored).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(onRestored).toHaveBeenCalledTimes(1));
    expect(y.settled).toHaveBeenCalledTimes(1);
    await y.say(OF_X, 'over y');
    await x.say(OF_X, 'over x, which is left');
    await y.say(OF_X, 'over y, too');
    await vi.waitFor(() => expect(texts).toEqual(['over y', 'over y, too']));
    await pool.close();
  });

  it('tells one loss of a group whose bridge is gone, though that tells one as well', async () => {
    const { x, y, pool, subscriber, losses } = setUp();
    subscriber.subscribe(OF_X);
    x.lose(OF_X);
    x.reach(0);
    expect(losses).toEqual([[OF_X, undefined]]);
    await Promise.resolve();
    y.lose(OF_X);
    expect(losses, 'what is lost later is another loss').toHaveLength(2);
    await pool.close();
  });

  it('ignores what still comes from a bridge that was left, and leaves groups where they are when it is back', async () => {
    const { x, y, pool, subscriber, texts, losses } = setUp();
    subscriber.subscribe(OF_X);
    x.reach(0);
    x.reach(1);
    expect(losses).toHaveLength(1);
    await x.say(OF_X, 'over x');
    await y.say(OF_X, 'over y');
    await vi.waitFor(() => expect(texts).toEqual(['over y']));
    await pool.close();
  });

  it('tells an unknown loss when the only bridge was away', async () => {
    const { x, y, pool, subscriber, losses } = setUp();
    y.reach(0);
    subscriber.subscribe(OF_X);
    x.reach(0);
    expect(losses).toEqual([]);
    x.reach(1);
    expect(losses).toEqual([[OF_X, undefined]]);
    await pool.close();
  });

  it('waits for bridges that have something to settle, and for none that is out of reach', async () => {
    const { x, y, pool, subscriber } = setUp();
    const never = new Promise<void>(() => {});
    y.reach(0);
    y.settled.mockReturnValue(never);
    subscriber.subscribe(OF_X);
    await subscriber.settled();
    expect(x.settled).toHaveBeenCalledTimes(1);
    await subscriber.settled();
    expect(x.settled, 'nothing new').toHaveBeenCalledTimes(1);
    x.reach(0);
    await subscriber.settled();
    await pool.close();
  });

  it('does not take for settled what another call still waits for', async () => {
    const { x, pool, subscriber } = setUp();
    let settle = (): void => {};
    x.settled.mockReturnValue(
      new Promise<void>((resolve) => {
        settle = resolve;
      }),
    );
    subscriber.subscribe(OF_X);
    const first = subscriber.settled();
    let isSettled = false;
    const second = subscriber.settled().then(() => {
      isSettled = true;
    });
    await Promise.resolve();
    expect(isSettled).toBe(false);
    settle();
    await Promise.all([first, second]);
    await pool.close();
  });
});
