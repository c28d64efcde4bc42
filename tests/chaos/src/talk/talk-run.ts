/**
 * The weak-network test: people who talk one to one and in groups, some of them on two devices, over a network that delays
 * and cuts. In the end every device has every message once, in order.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Conversation } from '@im/client-sdk/conversations';
import { seededRandom } from '@im/protocol/testing';
import type { AppendFsync } from '@im/test-servers';
import { Cluster } from '../cluster.js';
import { type Disturbance, restartRedis } from '../disturbances.js';
import { type Ending, WeakNetwork } from '../weak-network/weak-network.js';
import { TalkLedger, type TalkRow } from './talk-ledger.js';
import { Talker, type Traffic } from './talker.js';
import { groupsOf, pairsOf, type Talk } from './talks.js';

export interface TalkRunOptions {
  readonly people: number;
  /** In all. */
  readonly messages: number;
  readonly delayMs: readonly [min: number, max: number];
  readonly cutEveryMs: number;
  readonly seed: number;
  /** Of Redis. Default always. */
  readonly appendfsync?: AppendFsync;
  /** One after the other, while people talk. Default: none. */
  readonly disturbances?: readonly Disturbance[];
  /** How long people talk before each. */
  readonly disturbEveryMs?: number;
  /** Told now and then how many are stored. */
  readonly onProgress?: (stored: number) => void;
}

export interface TalkReport extends TalkRow {
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly devices: number;
  readonly reconnects: number;
  readonly resumed: number;
  /** How the networks ended connections, one before each gateway. */
  readonly endings: readonly Readonly<Record<Ending, number>>[];
  /** Transport messages for each delivered one, both ways together. */
  readonly transportPerDelivery: number;
  readonly seconds: number;
}

/** Each so many-th person has a second device. */
const SECOND_DEVICES = 4;
/** What does not come true for so long is left for the ledger to tell. */
const PATIENCE_MS = 60_000;
const POLL_MS = 200;

/** One of those who talk, and the conversations that this device looks at. */
interface Participant {
  readonly talker: Talker;
  readonly conversations: ReadonlyMap<string, Conversation>;
}

/** @throws Error when the cluster does not come up, or not back */
export async function runTalk(options: TalkRunOptions): Promise<TalkReport> {
  const began = performance.now();
  const random = seededRandom(options.seed);
  const jwtSecret = randomBytes(32).toString('hex');
  const { appendfsync = 'always', disturbances = [], disturbEveryMs = 0 } = options;
  // A Redis that does not flush every write may have lost something: all logs begin anew.
  const anew = appendfsync === 'always' ? 0 : disturbances.filter((disturbance) => disturbance === restartRedis).length;
  const ledger = new TalkLedger(1 + anew);
  const traffic: Traffic = { sent: 0, received: 0 };
  const networks: WeakNetwork[] = [];
  const participants: Participant[] = [];
  const cluster = await Cluster.start({ jwtSecret, appendfsync });
  try {
    for (const origin of cluster.gateways) {
      networks.push(await WeakNetwork.open({ ...options, port: Number(new URL(origin).port), random }));
    }
    const people = Array.from({ length: options.people }, (_, index) => `p${index}`);
    const talks = [...pairsOf(people), ...(await groupsOf(people, cluster.gateways, jwtSecret))];
    const urls = networks.map(({ port }) => `ws://127.0.0.1:${port}/im`);
    people.forEach((user, index) => {
      const own = talks.filter((talk) => talk.people.includes(user));
      for (let number = 0; number < (index % SECOND_DEVICES === 0 ? 2 : 1); number += 1) {
        const first = (index + number) % urls.length;
        const talker = new Talker({
          ...{ user, device: `${user}-${number}`, jwtSecret, traffic },
          urls: [...urls.slice(first), ...urls.slice(0, first)],
          book: ledger.openDevice(
            `${user} on device ${number}`,
            own.map(({ name }) => name),
          ),
          onError: (error) => ledger.fault(`${user} had an error: ${String(error)}`),
        });
        participants.push({ talker, conversations: watchAll(talker, own) });
      }
    });
    await until(() => participants.every(({ talker }) => talker.isReady));

    let undisturbed = disturbances.length;
    const disturb = async (): Promise<void> => {
      for (const disturbance of disturbances) {
        await pause(disturbEveryMs);
        await disturbance.strike(cluster, random);
        undisturbed -= 1;
      }
    };
    let said = 0;
    const next = (): number | undefined => (said < options.messages || undisturbed > 0 ? ++said : undefined);
    await Promise.all([talkAll(participants, ledger, next, options.onProgress), disturb()]);
    for (const network of networks) network.mend();
    await until(() => ledger.isSettled);
    // What begins anew is loaded anew.
    await until(() => participants.every(({ talker }) => talker.isReady));
    for (const { talker, conversations } of participants) {
      for (const [name, conversation] of conversations) await talker.showAll(name, conversation);
    }
    const row = ledger.close();
    const { faults, faultCount } = ledger;
    const sum = (of: (talker: Talker) => number): number =>
      participants.reduce((total, { talker }) => total + of(talker), 0);
    return {
      ...row,
      ...{ faults, faultCount, devices: participants.length },
      reconnects: sum(({ reconnects }) => reconnects),
      resumed: sum(({ resumed }) => resumed),
      endings: networks.map(({ endings }) => endings),
      transportPerDelivery: (traffic.sent + traffic.received) / row.delivered,
      seconds: (performance.now() - began) / 1_000,
    };
  } finally {
    for (const { talker } of participants) talker.close();
    for (const network of networks) await network.close();
    await cluster.stop();
  }
}

/** Each first device writes in all its conversations at once, one message after the other in each. */
async function talkAll(
  participants: readonly Participant[],
  ledger: TalkLedger,
  next: () => number | undefined,
  onProgress: ((stored: number) => void) | undefined,
): Promise<void> {
  let stored = 0;
  const authors = new Map([...participants].reverse().map((one) => [one.talker.user, one]));
  const talkIn = async (talker: Talker, name: string, conversation: Conversation): Promise<void> => {
    for (let number = next(); number !== undefined; number = next()) {
      const text = `${talker.user} ${number}`;
      ledger.say(name, text);
      await talker.say(conversation, text);
      ledger.store(text);
      stored += 1;
      if (stored % 100 === 0) onProgress?.(stored);
    }
  };
  await Promise.all(
    [...authors.values()].flatMap(({ talker, conversations }) =>
      [...conversations].map(([name, conversation]) => talkIn(talker, name, conversation)),
    ),
  );
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !isTrue() && performance.now() < end; ) await pause(POLL_MS);
}

function watchAll(talker: Talker, talks: readonly Talk[]): ReadonlyMap<string, Conversation> {
  return new Map(
    talks.map(({ name, people, group }) => {
      const peer = people.find((user) => user !== talker.user) as string;
      const conversation = talker.conversation(group === undefined ? { user: peer } : { group });
      talker.watch(name, conversation);
      return [name, conversation];
    }),
  );
}
