/** What groups cost in which nothing is said, counted. */
import { FakeClock } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import { FanOut } from './fan-out.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

const IDLE = 5_000;
const FRAME_MS = 1000 / 12;

/** Counts how often fan-out looks at it. */
class CountedViewer extends FakeViewer {
  looks = 0;

  constructor(encoding: FakeEncoding) {
    super(encoding);
    Object.defineProperty(this, 'congested', {
      get: () => {
        this.looks += 1;
        return false;
      },
    });
    Object.defineProperty(this, 'encoding', {
      get: () => {
        this.looks += 1;
        return encoding;
      },
    });
  }
}

it(`${IDLE.toLocaleString('en')} idle groups are not looked at in frames and turns of another`, () => {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const fanOut = new FanOut<CountedViewer>({ clock, afterTurn: (run) => turns.push(run) });
  const encoding = new FakeEncoding();
  const enter = (group: string): CountedViewer => {
    const viewer = new CountedViewer(encoding);
    fanOut.join(viewer, group).release({ epoch: 'e', version: 0 });
    return viewer;
  };
  const idle = Array.from({ length: IDLE }, (_, i) => enter(`r:${i + 1}`));
  const busy = enter('r:busy');
  expect(clock.pendingTimers).toBe(0);

  for (const viewer of [...idle, busy]) viewer.looks = 0;
  const delivery = { group: 'r:busy', event: 'e', body: new Uint8Array(1), time: 0 };
  for (let frame = 1; frame <= 100; frame += 1) {
    fanOut.publish({ ...delivery, lane: 'normal' });
    fanOut.publish({ ...delivery, lane: 'priority', epoch: 'e', version: frame });
    // One turn and one timer, however many groups there are.
    expect(turns).toHaveLength(1);
    for (const run of turns.splice(0)) run();
    expect(clock.pendingTimers).toBe(1);
    clock.advance(FRAME_MS);
  }
  expect(busy.deliveries).toHaveLength(200);
  expect(busy.looks).toBeGreaterThan(0);
  expect(idle.filter(({ looks }) => looks > 0)).toHaveLength(0);
  expect(clock.pendingTimers).toBe(0);
});
