/**
 * Two gateways, a bus, rooms and viewers, moved by the steps of a plan. After every step, and each few milliseconds of the time that
 * passes, everything that docs/guarantees.md promises of fan-out and slow viewers is checked against the books.
 */
import type { Random } from '@im/protocol/ports';
import { FakeClock, seededRandom } from '@im/protocol/testing';
import type { Account } from './account.js';
import { GROUPS, type Plan, type Step } from './plan.js';
import { RoomLog } from './room-log.js';
import { LARGEST_BYTES, LIMITS, VirtualConnection } from './virtual-connection.js';
import { MAX_WAITING_BYTES, VirtualGateway } from './virtual-gateway.js';
import { VirtualViewer } from './virtual-viewer.js';

/** Time passes in steps of so much. */
const INSTANT_MS = 20;
/** Whatever was published is written or told after so long, to whoever is not congested: three frames, and what they take. */
const PATIENCE_MS = 400;

/** Something that was published to a member and shall be accounted for in time. */
interface Due {
  readonly messages: number;
  since: number;
}

export class World {
  readonly #plan: Plan;
  readonly #clock = new FakeClock();
  readonly #random: Random;
  readonly #logs = GROUPS.map((group) => new RoomLog(group));
  readonly #gateways: readonly [VirtualGateway, VirtualGateway];
  readonly #viewers: readonly VirtualViewer[];
  /** Which gateway each goes to next. */
  readonly #chosen: number[];
  readonly #due = new WeakMap<Account, Due>();

  constructor(plan: Plan) {
    const { conditions, seed } = plan;
    const clock = this.#clock;
    this.#plan = plan;
    this.#random = seededRandom(seed + 1);
    const random = this.#random;
    this.#gateways = [new VirtualGateway(clock, random, conditions), new VirtualGateway(clock, random, conditions)];
    const delay = (): number => conditions.delayMs * (1 + this.#random());
    this.#viewers = Array.from({ length: conditions.viewers }, () => new VirtualViewer(clock, delay));
    this.#chosen = this.#viewers.map((_, i) => i % 2);
  }

  /** @throws Error naming what does not hold */
  run(step: Step): void {
    switch (step.do) {
      case 'pass':
        this.#pass(step.ms);
        break;
      case 'turn':
        for (const gateway of this.#gateways) gateway.turn();
        break;
      case 'chat':
        for (let i = 0; i < step.times; i++) this.#chat(this.#log(step.group), step);
        break;
      case 'gift':
        for (let i = 0; i < step.times; i++) this.#gift(this.#log(step.group), step.newEpoch && i === 0);
        break;
      case 'lose':
        this.#lose(this.#log(step.group), step.count);
        break;
      case 'enter':
        this.#enter(this.#viewer(step.viewer), this.#log(step.group));
        break;
      case 'leave':
        this.#leave(this.#viewer(step.viewer), this.#log(step.group));
        break;
      case 'read':
        this.#viewer(step.viewer).bytesPerSecond = step.bytesPerSecond;
        break;
      case 'cut':
        this.#chosen[step.viewer] = step.gateway;
        this.#viewer(step.viewer).cut(step.awayMs);
    }
    this.#check();
  }

  /** Everybody reads again; then every account must balance, by what was read, and nothing may be left. */
  settle(): void {
    for (const viewer of this.#viewers) viewer.bytesPerSecond = 1_000_000;
    // The longest that a lost connection takes to be noticed, left and replaced.
    this.#pass(6_000);
    for (const viewer of this.#viewers) {
      const { connection } = viewer;
      if (connection === undefined) throw new Error('a viewer did not come back');
      if (connection.congested || connection.unread.length > 0)
        throw new Error('a viewer that reads does not catch up');
      for (const log of this.#logs) {
        if (!viewer.rooms.has(log.group)) continue;
        const seen = viewer.seen(log.group);
        const account = connection.accounts.get(log.group);
        if (account === undefined) throw new Error(`a viewer is not in ${log.group}`);
        if (!account.read.accountsFor(account.published)) {
          throw new Error(`a viewer has read ${account.read} of ${log.group}, published were ${account.published}`);
        }
        if (seen?.epoch !== log.head.epoch || seen.version !== log.head.version) {
          throw new Error(`a viewer has not seen the last gift of ${log.group}`);
        }
      }
      connection.end();
    }
    for (const gateway of this.#gateways) {
      if (gateway.waitingBytes !== 0) throw new Error(`${gateway.waitingBytes} bytes are left in a fan-out`);
      if (gateway.unanswered.open !== 0) throw new Error('questions are left open');
      gateway.close();
    }
    if (this.#clock.pendingTimers > 0) throw new Error(`${this.#clock.pendingTimers} timers are left`);
  }

  #viewer(index: number): VirtualViewer {
    return this.#viewers[index] as VirtualViewer;
  }

  #log(index: number): RoomLog {
    return this.#logs[index] as RoomLog;
  }

  #accountsOf({ group }: RoomLog): Account[] {
    return this.#viewers.flatMap(({ connection }) => connection?.accounts.get(group) ?? []);
  }

  #chat(log: RoomLog, { by, bytes, terms }: Extract<Step, { do: 'chat' }>): void {
    const delivery = log.chat(by, { bytes, terms, time: this.#clock.now() });
    for (const { published } of this.#accountsOf(log)) published.add({ type: 'pushes', deliveries: [delivery] });
    for (const { fanOut } of this.#gateways) fanOut.publish(delivery);
  }

  #gift(log: RoomLog, newEpoch: boolean): void {
    const gift = log.gift(newEpoch, this.#clock.now());
    for (const { fanOut } of this.#gateways) fanOut.publish(gift);
  }

  #lose(log: RoomLog, count: number | undefined): void {
    for (const { published } of this.#accountsOf(log)) {
      if (count === undefined) published.lostUnknown = true;
      else published.lost += count;
    }
    for (const { fanOut } of this.#gateways) fanOut.lost(log.group, count);
  }

  #enter(viewer: VirtualViewer, log: RoomLog): void {
    if (viewer.rooms.has(log.group)) return;
    viewer.rooms.add(log.group);
    viewer.connection?.enter(log, undefined, this.#entryTimes());
  }

  #leave(viewer: VirtualViewer, { group }: RoomLog): void {
    viewer.leave(group);
    viewer.connection?.leave(group);
  }

  #connect(viewer: VirtualViewer, index: number): void {
    const { stallMs, kernelBytes } = this.#plan.conditions;
    const gateway = this.#gateways[this.#chosen[index] as 0 | 1];
    const connection = new VirtualConnection({ gateway, clock: this.#clock, stallMs, kernelBytes });
    viewer.connect(connection);
    for (const log of this.#logs) {
      if (viewer.rooms.has(log.group)) connection.enter(log, viewer.seen(log.group), this.#entryTimes());
    }
  }

  #entryTimes(): { readMs: number; releaseMs: number } {
    return { readMs: this.#random() * 60, releaseMs: this.#random() * 60 };
  }

  #pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += INSTANT_MS) {
      this.#clock.advance(INSTANT_MS);
      this.#viewers.forEach((viewer, index) => {
        viewer.proceed(INSTANT_MS);
        if (viewer.connection === undefined && this.#clock.monotonic() >= viewer.backAt) this.#connect(viewer, index);
        viewer.connection?.proceed();
      });
      for (const gateway of this.#gateways) while (gateway.turn());
      this.#requireLevel();
      this.#check();
    }
  }

  /** At the end of a turn every member was written all priority messages, however congested. */
  #requireLevel(): void {
    for (const { connection } of this.#viewers) {
      for (const [group, account] of connection?.accounts ?? []) {
        if (!account.isLevel) throw new Error(`a member of ${group} was not written a priority message`);
      }
    }
  }

  #check(): void {
    for (const { connection } of this.#viewers) {
      if (!connection?.isOpen) continue;
      connection.check();
      if (connection.bufferedBytes > LIMITS.hardBacklogBytes + LARGEST_BYTES) throw new Error('too much is buffered');
      for (const account of connection.accounts.values()) this.#requirePrompt(account, connection.congested);
    }
    for (const { waitingBytes } of this.#gateways) {
      if (waitingBytes > MAX_WAITING_BYTES + 50 * LARGEST_BYTES) throw new Error(`${waitingBytes} bytes wait`);
    }
  }

  /** Delivered, conflated and told are what was published, a few frames later, for whoever is not congested. */
  #requirePrompt(account: Account, congested: boolean): void {
    const now = this.#clock.monotonic();
    const due = this.#due.get(account);
    if (due === undefined || account.written.messages >= due.messages) {
      this.#due.set(account, { messages: account.published.messages, since: now });
    } else if (congested) due.since = now;
    else if (now - due.since > PATIENCE_MS) {
      throw new Error(`${due.messages - account.written.messages} messages are neither delivered nor told`);
    }
  }
}
