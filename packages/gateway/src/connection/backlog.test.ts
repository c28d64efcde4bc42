import { describe, expect, it } from 'vitest';
import type { Link } from '../link.js';
import { Backlog } from './backlog.js';

function setUp() {
  const link = { bufferedBytes: 0 };
  const backlog = new Backlog(link as unknown as Link, { softBacklogBytes: 100, hardBacklogBytes: 200 });
  const settled: string[] = [];
  const wait = async (name: string): Promise<void> => {
    await backlog.relieved();
    settled.push(name);
  };
  return { link, backlog, settled, wait };
}
const turn = (): Promise<void> => new Promise(setImmediate);

describe('Backlog', () => {
  it('is congested above the soft limit, and overflows above the hard one [PR-86] [PR-87]', () => {
    const { link, backlog } = setUp();
    const states = [0, 100, 101, 200, 201].map((bytes) => {
      link.bufferedBytes = bytes;
      return [backlog.congested, backlog.overflowing];
    });
    expect(states).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
  });

  it('lets those who wait go on when it is no longer congested, or closed', async () => {
    const { link, backlog, settled, wait } = setUp();
    void wait('at once');
    await turn();
    link.bufferedBytes = 150;
    void wait('a');
    void wait('b');
    backlog.drained();
    await turn();
    expect(settled).toEqual(['at once']);
    link.bufferedBytes = 50;
    backlog.drained();
    await turn();
    expect(settled).toEqual(['at once', 'a', 'b']);
    link.bufferedBytes = 150;
    void wait('c');
    backlog.close();
    await turn();
    expect(settled).toEqual(['at once', 'a', 'b', 'c']);
  });
});
