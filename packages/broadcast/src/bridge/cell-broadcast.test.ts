import { describe, expect, it, vi } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { createMemoryBroadcast } from '../memory/memory-broadcast.js';
import { describeBroadcastContract } from '../testing/broadcast-contract.js';
import { normal, priority } from '../testing/contract/setting.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { subscribeRecording } from '../testing/recording-subscriber.js';
import { createCellBroadcast } from './cell-broadcast.js';
import { parseHomes } from './homes.js';

const homes = parseHomes(['r:b-*=b', '*=a']);

describeBroadcastContract('one of two cells in memory', async (setup) =>
  createCellBroadcast({
    homes: parseHomes(['*=a']),
    cells: new Map([
      ['a', createMemoryBroadcast(setup)],
      ['b', createMemoryBroadcast(setup)],
    ]),
  }),
);

function setUp() {
  const sequencers = { a: new FakeSequencer(), b: new FakeSequencer() };
  const a = createMemoryBroadcast({ sequencer: sequencers.a });
  const b = createMemoryBroadcast({ sequencer: sequencers.b });
  const cells = new Map<string, Broadcast>([
    ['a', a],
    ['b', b],
  ]);
  return { sequencers, a, b, both: createCellBroadcast({ homes, cells }) };
}

describe('createCellBroadcast', () => {
  it('publishes and subscribes each group in its home', async () => {
    const { a, b, both } = setUp();
    const here = await subscribeRecording(both, 'r:1', 'r:b-1');
    const publisher = both.createPublisher();
    await a.createPublisher().publish('r:b-1', normal('not from its home'));
    await b.createPublisher().publish('r:b-1', normal('from its home'));
    await publisher.publish('r:1', normal('in a'));
    const inB = await subscribeRecording(b, 'r:b-1');
    await publisher.publish('r:b-1', normal('in b'));
    await vi.waitFor(() => expect(here.texts('r:b-1')).toEqual(['from its home', 'in b']));
    expect(here.texts('r:1')).toEqual(['in a']);
    expect(inB.texts()).toEqual(['in b']);
    await both.close();
  });

  it('publishes to many groups in all their homes, and says which failed', async () => {
    const { sequencers, both } = setUp();
    sequencers.b.failOnce(new Error('away'), { group: 'r:b-1' });
    const { published, failed } = await both.createPublisher().publishMany(['r:1', 'r:b-1', 'r:b-2'], priority('x'));
    expect(published.map(({ group }) => group).sort()).toEqual(['r:1', 'r:b-2']);
    expect([...failed.keys()]).toEqual(['r:b-1']);
    await both.close();
  });

  it('takes what one cell refuses altogether for failures of its groups alone', async () => {
    const { a, b, both } = setUp();
    const publisher = both.createPublisher();
    await b.close();
    const { published, failed } = await publisher.publishMany(['r:1', 'r:b-1'], priority('x'));
    expect(published.map(({ group }) => group)).toEqual(['r:1']);
    expect(failed.get('r:b-1')).toMatchObject({ name: 'CLOSED' });
    await a.close();
    await expect(publisher.publishMany(['r:1', 'r:b-1'], priority('x'))).rejects.toMatchObject({ name: 'CLOSED' });
  });

  it('refuses homes to which there is no way', () => {
    expect(() => createCellBroadcast({ homes, cells: new Map() })).toThrow(
      expect.objectContaining({ name: 'CONFIG_INVALID', message: expect.stringContaining('cell b') }),
    );
  });
});
