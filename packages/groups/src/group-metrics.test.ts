import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import { FanOut } from './fan-out.js';
import { FakeViewer } from './testing/index.js';

it('takes the latency of the oldest message of each frame and turn, once, whatever the audience; never below 0', () => {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const turns: (() => void)[] = [];
  const fanOut = new FanOut<FakeViewer>({ clock, metrics, afterTurn: (run) => void turns.push(run) });
  for (let i = 0; i < 5; i += 1) fanOut.join(new FakeViewer(), 'r:1').release({ epoch: 'e1', version: 0 });
  const common = { group: 'r:1', event: 'x', body: new Uint8Array(0) } as const;
  const chat = (agoMs: number): void => fanOut.publish({ ...common, lane: 'normal', time: clock.now() - agoMs });
  const gift = (version: number, agoMs: number): void =>
    fanOut.publish({ ...common, lane: 'priority', epoch: 'e1', version, time: clock.now() - agoMs });
  const of = (lane: string): readonly number[] => metrics.observations('im_groups_latency_seconds', { lane });

  chat(20);
  chat(5);
  gift(1, 3);
  gift(2, 1);
  for (const run of turns.splice(0)) run();
  clock.advance(0);
  expect([of('normal'), of('priority')]).toEqual([[0.02], [0.003]]);
  gift(3, -1_000);
  for (const run of turns.splice(0)) run();
  expect(of('priority')).toEqual([0.003, 0]);
  fanOut.close();
});
