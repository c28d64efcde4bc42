import { ImError, type Positions } from '@im/protocol';
import { silentLogger } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import type { GroupFeeds } from '../feed/group-feeds.js';
import type { Session } from '../session/session.js';
import { PositionReports } from './position-reports.js';
import type { DevicePosition } from './position-sink.js';

it.each([3, 1])('those that wait at the end are all told, in batches, or counted (%i batches can be)', async (can) => {
  const batches: number[] = [];
  let dropped = 0;
  const sink = {
    kinds: ['g'],
    async moved({ length }: readonly DevicePosition[]) {
      if (batches.length === can) throw new ImError('UNAVAILABLE');
      batches.push(length);
    },
  };
  const clock = new FakeClock();
  const position = { epoch: 'e', version: 1 };
  const feeds = { get: () => ({ position }) } as unknown as GroupFeeds;
  const counter = {
    add(count = 1) {
      dropped += count;
    },
  };
  const reports = new PositionReports({ sink, feeds, clock, logger: silentLogger, dropped: counter });
  const session = { identity: {}, userGroup: 'u:ann', device: 'd1', isIn: () => true } as unknown as Session;
  const positions: Positions = Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`g:${i}`, position]));
  reports.take(session, positions);
  await reports.close();
  expect(batches).toEqual([500, 500, 200].slice(0, can));
  expect(dropped).toBe(can === 3 ? 0 : 700);
  expect([reports.waiting, clock.pendingTimers]).toEqual([0, 0]);
});
