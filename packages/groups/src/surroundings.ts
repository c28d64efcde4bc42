/** What all groups of one fan-out share: made once, handed down. */
import type { Clock } from '@im/protocol/ports';
import { Budget } from './budget.js';
import type { FanOutSettings } from './fan-out-options.js';
import { GroupMetrics } from './group-metrics.js';
import { frameRoom, type GroupRoom } from './group-room.js';
import type { Member } from './membership.js';
import type { FrameSurroundings } from './normal-frame.js';
import { SumIds } from './sum-ids.js';
import type { Viewer } from './viewer.js';

export interface Surroundings<V extends Viewer> {
  readonly clock: Clock;
  readonly frames: FrameSurroundings;
  readonly maxHeld: number;
  readonly budget: Budget;
  /** The part of it that is for what congested members were not written. */
  readonly keeping: Budget;
  readonly sumIds: SumIds;
  readonly metrics: GroupMetrics;
  /** Members that were not told yet what they were not sent. */
  readonly owing: Set<Member<V>>;
  /** Of groups whose frames were not written in time. */
  readonly narrowed: Set<GroupRoom>;
}

/** More than may go on waiting is taken before it is chosen which ones do, so that this is done rarely. */
const CHOICE = 4 / 3;
/** The part of all bytes that may be kept for members that are congested. */
const KEEPING = 0.25;

/** Its figures are observed from now on. */
export function createSurroundings<V extends Viewer>(settings: FanOutSettings): Surroundings<V> {
  const { clock, random, metrics, maxWaiting, maxWaitingBytes, maxBytes, maxHeld, maxSumIds } = settings;
  const budget = new Budget(maxBytes);
  const surroundings: Surroundings<V> = {
    clock,
    frames: {
      waiting: frameRoom(maxWaiting, maxWaitingBytes),
      most: { messages: maxWaiting * CHOICE, bytes: maxWaitingBytes * CHOICE },
      budget,
      random,
    },
    maxHeld,
    budget,
    keeping: new Budget(maxBytes * KEEPING, budget),
    sumIds: new SumIds(maxSumIds),
    metrics: new GroupMetrics(metrics, clock),
    owing: new Set(),
    narrowed: new Set(),
  };
  const { keeping, sumIds, owing, narrowed } = surroundings;
  const figure = (name: string, help: string, read: () => number) =>
    metrics.observe(`im_groups_${name}`, { help }, read);
  figure('waiting_bytes', 'Messages waiting or held.', () => budget.used);
  figure('kept_bytes', 'Of these, conflated messages kept for members that are congested.', () => keeping.used);
  figure('sum_ids', 'Ids of summed messages that are remembered.', () => sumIds.size);
  figure('owing', 'Memberships not yet told what they missed.', () => owing.size);
  const least = () => [...narrowed].reduce((share, room) => Math.min(share, room.share), 1);
  figure('least_room_ratio', 'How much of its room in frames the group has that has least of it.', least);
  return surroundings;
}
