/**
 * Who said what, and what each device was told of it. Owns what counts as a fault; must not know clients or networks.
 */

/** What a device shows of a conversation in the end: all of it, in its order. */
export interface Shown {
  readonly version: number;
  /** Empty where it is no message. */
  readonly text: string;
}

interface Device {
  readonly name: string;
  /** Conversations that this device's person is in. */
  readonly conversations: ReadonlySet<string>;
  /** Text → how often it came. */
  readonly came: Map<string, number>;
  outOfOrder: number;
}

export interface TalkRow {
  readonly said: number;
  readonly stored: number;
  /** To all devices together, live or brought later. */
  readonly delivered: number;
  readonly duplicates: number;
  readonly missing: number;
  /** Lines that stood in another order than their versions, or with a hole, at any time. */
  readonly outOfOrder: number;
}

/** Faults that are told word for word. */
const MOST_FAULTS = 50;

export class TalkLedger {
  /** Text → its conversation; every text is said once. */
  readonly #said = new Map<string, string>();
  readonly #stored = new Set<string>();
  readonly #devices: Device[] = [];
  readonly #epochs: number;
  readonly faults: string[] = [];
  faultCount = 0;

  /** @param epochs that each log may have had: with each, what is kept of it is told again */
  constructor(epochs = 1) {
    this.#epochs = epochs;
  }

  openDevice(name: string, conversations: Iterable<string>): TalkDevice {
    const device: Device = { name, conversations: new Set(conversations), came: new Map(), outOfOrder: 0 };
    this.#devices.push(device);
    return {
      came: (text) => void device.came.set(text, (device.came.get(text) ?? 0) + 1),
      shows: (conversation, lines) => this.#checkOrder(device, conversation, lines),
      showsAll: (conversation, lines) => this.#checkAll(device, conversation, lines),
    };
  }

  say(conversation: string, text: string): void {
    this.#said.set(text, conversation);
  }

  /** It was acknowledged. */
  store(text: string): void {
    this.#stored.add(text);
  }

  fault(text: string): void {
    this.faultCount += 1;
    if (this.faults.length < MOST_FAULTS) this.faults.push(text);
  }

  get isSettled(): boolean {
    return this.#stored.size === this.#said.size && this.#devices.every((device) => this.#missingOf(device) === 0);
  }

  /** Counts what is wrong in the end. */
  close(): TalkRow {
    let [delivered, duplicates, missing, outOfOrder] = [0, 0, 0, 0];
    for (const device of this.#devices) {
      for (const [text, times] of device.came) {
        delivered += times;
        duplicates += times - 1;
        if (times > this.#epochs) this.fault(`${device.name} was told ${times} times of: ${text}`);
        if (!device.conversations.has(this.#said.get(text) ?? '')) this.fault(`${device.name} was told of: ${text}`);
      }
      const gone = this.#missingOf(device);
      missing += gone;
      if (gone > 0) this.fault(`${device.name} was not told of ${gone} messages`);
      outOfOrder += device.outOfOrder;
    }
    const unstored = this.#said.size - this.#stored.size;
    if (unstored > 0) this.fault(`${unstored} messages were never acknowledged`);
    return { said: this.#said.size, stored: this.#stored.size, delivered, duplicates, missing, outOfOrder };
  }

  #missingOf(device: Device): number {
    let missing = 0;
    for (const text of this.#stored) {
      if (device.conversations.has(this.#said.get(text) as string) && !device.came.has(text)) missing += 1;
    }
    return missing;
  }

  /** Versions rise by one. */
  #checkOrder(device: Device, conversation: string, lines: readonly Shown[]): void {
    for (let at = 1; at < lines.length; at += 1) {
      const [before, line] = [lines[at - 1] as Shown, lines[at] as Shown];
      if (line.version === before.version + 1) continue;
      device.outOfOrder += 1;
      this.fault(`${device.name} shows ${line.version} of ${conversation} behind ${before.version}`);
      return;
    }
  }

  #checkAll(device: Device, conversation: string, lines: readonly Shown[]): void {
    this.#checkOrder(device, conversation, lines);
    const shown = lines.flatMap(({ text }) => (text === '' ? [] : [text])).sort();
    const stored = [...this.#stored].filter((text) => this.#said.get(text) === conversation).sort();
    if (shown.join('\n') === stored.join('\n')) return;
    this.fault(`${device.name} shows ${shown.length} messages of ${conversation}, stored are ${stored.length}`);
  }
}

/** One device and what it was told. */
export interface TalkDevice {
  /** A message came, live or brought later. */
  came(text: string): void;
  /** These stand next to each other on it now. */
  shows(conversation: string, lines: readonly Shown[]): void;
  /** This is the whole conversation, as it has it. */
  showsAll(conversation: string, lines: readonly Shown[]): void;
}
