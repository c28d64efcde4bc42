/** The subscriber of every bus: counts what comes, and how old lone messages are. */
import { setTimeout as pause } from 'node:timers/promises';
import { obeyParent } from '../harness/obey-parent.js';
import { cpuSeconds } from '../harness/process-cpu.js';
import { percentile } from '../harness/statistics.js';
import { groupNames, type SubscriberCommand, type SubscriberReply } from './bus-commands.js';
import { madeAt, now } from './message-body.js';

export interface BusSubscriber {
  /** Settles when all are in force. */
  subscribe(groups: readonly string[]): Promise<void>;
}

/** What a system calls for each message. */
export interface BusSink {
  take(body: Uint8Array): void;
  /** One of the priority lane. */
  takeGift(body: Uint8Array): void;
  /** The system says that it lost so many. */
  lose(count: number): void;
}

/** What has an answer for its publisher may still be on its way here; after so long it is lost. */
const GIFT_DEADLINE_MS = 5_000;
const LOOK_EVERY_MS = 5;

export function runSubscriber(start: (sink: BusSink) => BusSubscriber): void {
  let messages = 0;
  let lost = 0;
  let wantsLatencies = true;
  let latencies: number[] = [];
  let gifts: number[] = [];
  const subscriber = start({
    take(body) {
      messages += 1;
      if (!wantsLatencies) return;
      const made = madeAt(body);
      if (made > 0) latencies.push(now() - made);
    },
    takeGift(body) {
      gifts.push(now() - madeAt(body));
    },
    lose(count) {
      lost += count;
    },
  });

  async function count({ warmMs, measureMs, pids }: Extract<SubscriberCommand, { do: 'count' }>) {
    wantsLatencies = false;
    await pause(warmMs);
    const [messagesBefore, lostBefore, cpuBefore, began] = [messages, lost, pids.map(cpuSeconds), performance.now()];
    await pause(measureMs);
    const seconds = (performance.now() - began) / 1_000;
    const cpu = pids.map((pid, i) => cpuSeconds(pid) - (cpuBefore[i] as number));
    wantsLatencies = true;
    return { messages: messages - messagesBefore, lost: lost - lostBefore, seconds, cpuSeconds: cpu };
  }

  async function arrived(expected: number): Promise<void> {
    const deadline = now() + GIFT_DEADLINE_MS;
    while (gifts.length < expected && now() < deadline) await pause(LOOK_EVERY_MS);
  }

  const nothing = { messages: 0, lost: 0, seconds: 0, cpuSeconds: [], p50Ms: 0, p99Ms: 0 };
  obeyParent(async (command: SubscriberCommand): Promise<SubscriberReply> => {
    if (command.do === 'subscribe') {
      await subscriber.subscribe(groupNames(command.groups));
      return nothing;
    }
    if (command.do === 'count') return { ...nothing, ...(await count(command)) };
    if (command.do === 'gifts') await arrived(command.expected);
    const taken = (command.do === 'gifts' ? gifts : latencies).sort((a, b) => a - b);
    if (command.do === 'gifts') gifts = [];
    else latencies = [];
    return { ...nothing, messages: taken.length, p50Ms: percentile(taken, 50), p99Ms: percentile(taken, 99) };
  });
}
