/** The publisher of every bus: floods as fast as the system takes messages, or sends lone ones. */
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { obeyParent } from '../harness/obey-parent.js';
import { groupNames, type PublisherCommand, type PublisherReply } from './bus-commands.js';
import { bodyAt, floodBody, now } from './message-body.js';

export interface BusPublisher {
  /** Hands over one message for each of these groups; settles when what is between has them all. */
  publish(groups: readonly string[], body: Uint8Array): Promise<void>;
}

const AT_ONCE = 500;
/** Calls that have not settled: enough to keep what is between busy, few enough not to drown it. */
const MOST_UNDER_WAY = 64;

export function runPublisher(publisher: BusPublisher): void {
  let flooding: Promise<void> | undefined;
  let isStopped = false;
  let messages = 0;

  async function flood(groups: number): Promise<void> {
    const names = groupNames(groups);
    const batches: string[][] = [];
    for (let at = 0; at < Math.max(names.length, AT_ONCE); at += AT_ONCE) {
      batches.push(Array.from({ length: AT_ONCE }, (_, i) => names[(at + i) % names.length] as string));
    }
    const underWay: Promise<void>[] = [];
    for (let turn = 0; !isStopped; turn = (turn + 1) % batches.length) {
      underWay.push(publisher.publish(batches[turn] as string[], floodBody));
      messages += AT_ONCE;
      if (underWay.length >= MOST_UNDER_WAY) await underWay.shift();
      await setImmediate();
    }
    await Promise.all(underWay);
  }

  obeyParent(async (command: PublisherCommand): Promise<PublisherReply> => {
    if (command.do === 'flood') {
      isStopped = false;
      messages = 0;
      flooding = flood(command.groups);
      flooding.catch(() => {});
    } else if (command.do === 'lone') {
      const [group] = groupNames(1);
      for (let left = command.count; left > 0; left -= 1) {
        await publisher.publish([group as string], bodyAt(now()));
        await pause(command.everyMs);
      }
    } else {
      isStopped = true;
      await flooding;
    }
    return { messages };
  });
}
