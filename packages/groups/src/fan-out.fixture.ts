/** What tests of the fan-out stand on: one whose turns end when the test says so, and what is handed to it. */
import type { Delivery, Position } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { FanOut } from './fan-out.js';
import type { FanOutOptions } from './fan-out-options.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

export const FRAME_MS = 1000 / 12;
const BODY = new Uint8Array(10);
export const START: Position = { epoch: 'e1', version: 0 };

/** A fan-out whose turns end when the test says so. */
export function setUp(options: Partial<FanOutOptions> = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const turns: (() => void)[] = [];
  const afterTurn = (run: () => void) => void turns.push(run);
  const fanOut = new FanOut<FakeViewer>({ clock, metrics, afterTurn, random: () => 0, ...options });
  const encoding = new FakeEncoding();
  const endTurn = () => {
    for (const run of turns.splice(0)) run();
  };
  const enter = (group = 'r:1', position = START) => {
    const viewer = new FakeViewer(encoding);
    fanOut.join(viewer, group).release(position);
    return viewer;
  };
  return { clock, metrics, turns, fanOut, encoding, endTurn, enter };
}

export const normal = (event: string, group = 'r:1'): Delivery => ({
  group,
  lane: 'normal',
  event,
  body: BODY,
  time: 0,
});
export const priority = (version: number, epoch = 'e1', group = 'r:1'): Delivery => ({
  group,
  lane: 'priority',
  event: `${epoch}/${version}`,
  body: BODY,
  time: 0,
  epoch,
  version,
});
export const events = (viewer: FakeViewer) => viewer.deliveries.map(({ event }) => event);
