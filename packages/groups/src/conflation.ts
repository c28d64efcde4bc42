/**
 * Messages of one event and key that wait at the same time and become one. Owns which of them belong together, and the arithmetic, also
 * for memberships that begin between them. Must not know what else waits, nor viewers.
 *
 * The one stands where the last of them came: what a publisher says is seen in its order, and what the others added is seen later than
 * it was published, never earlier.
 */
import type { Conflation, Delivery } from '@im/protocol';
import type { SumOutcome } from './sum-ids.js';

/** Whether two deliveries of one group become one when they wait together. */
export function isOfOneKey(one: Delivery, other: Delivery): boolean {
  const a = one.terms?.conflate;
  const b = other.terms?.conflate;
  return a !== undefined && b !== undefined && a.key === b.key && a.mode === b.mode && one.event === other.event;
}

/** The same for those of one key, and for no others; undefined: it has none. */
export function keyOf({ event, terms }: Delivery): string | undefined {
  const conflate = terms?.conflate;
  // Names of events have no line breaks.
  return conflate && `${conflate.mode} ${event}\n${conflate.key}`;
}

/** What came between two beginnings of memberships. */
interface Stretch {
  readonly number: number;
  count: number;
  amount: number;
  readonly before: Stretch | undefined;
}

/** One or several messages of one key. The stretches of a frame are numbered from 0. */
export class Conflated {
  /** Rises from one that is conflated to the next, whatever its key. */
  order = 0;
  /** So many messages that are never conflated are before it. */
  place = 0;
  readonly #terms: { sender: string | undefined; reserved: boolean };
  #last: Delivery;
  #newest: Stretch | undefined;
  #outcome: SumOutcome = { isShed: false };
  /** All amounts without their signs: while that is a safe integer, so is the total of any of them. */
  #magnitude = 0;

  constructor(first: Delivery) {
    this.#last = first;
    this.#terms = { sender: first.terms?.sender, reserved: false };
  }

  get last(): Delivery {
    return this.#last;
  }

  /** The sender, if all are of one; reserved when one of them is. */
  get terms(): { readonly sender: string | undefined; readonly reserved: boolean } {
    return this.#terms;
  }

  /** That of the last. */
  get body(): Uint8Array {
    return this.#last.body;
  }

  /** Whether its total cannot become too large by that. */
  hasRoomFor(amount: number): boolean {
    return this.#magnitude + Math.abs(amount) <= Number.MAX_SAFE_INTEGER;
  }

  /** @param place so many messages that are never conflated came before it */
  add(delivery: Delivery, amount: number, stretch: number, place: number): void {
    const terms = this.#terms;
    if (delivery.terms?.sender !== terms.sender) terms.sender = undefined;
    if (delivery.terms?.reserved) terms.reserved = true;
    let newest = this.#newest;
    if (newest?.number !== stretch) {
      newest = { number: stretch, count: 0, amount: 0, before: newest };
      this.#newest = newest;
    }
    newest.count += 1;
    newest.amount += amount;
    this.#magnitude += Math.abs(amount);
    this.#last = delivery;
    this.place = place;
  }

  /** What came from that stretch on, as one; undefined: nothing. */
  since(stretch: number): Delivery | undefined {
    let count = 0;
    let amount = 0;
    for (let part = this.#newest; part !== undefined && part.number >= stretch; part = part.before) {
      count += part.count;
      amount += part.amount;
    }
    return count === 0 ? undefined : standingFor(this.#last, count - 1, amount);
  }

  /** Of what is added now. */
  get outcome(): SumOutcome {
    return this.#outcome;
  }

  /** Some get what there is of it: whatever becomes of what is added later, this has been sent. */
  goesToSome(): void {
    this.#outcome = { isShed: false };
  }

  /** It goes to nobody any more. @param each is told how many messages came in which stretch */
  shed(each: (stretch: number, count: number) => void): void {
    this.#outcome.isShed = true;
    for (let part = this.#newest; part !== undefined; part = part.before) each(part.number, part.count);
  }
}

/** Those that go on, by mode, event and key. */
export class ConflatedByKey {
  readonly #byEvent = {
    latest: new Map<string, Map<string, Conflated>>(),
    sum: new Map<string, Map<string, Conflated>>(),
  };

  get(event: string, { mode, key }: Conflation): Conflated | undefined {
    return this.#byEvent[mode].get(event)?.get(key);
  }

  set(event: string, { mode, key }: Conflation, conflated: Conflated): void {
    let byKey = this.#byEvent[mode].get(event);
    if (byKey === undefined) {
      byKey = new Map();
      this.#byEvent[mode].set(event, byKey);
    }
    byKey.set(key, conflated);
  }
}

/** Two deliveries of one key as one, in the place of the later; undefined when their total is no safe integer. */
export function joined(earlier: Delivery, later: Delivery): Delivery | undefined {
  const amount = amountOf(earlier) + amountOf(later);
  if (!Number.isSafeInteger(amount)) return undefined;
  return standingFor(later, (earlier.conflated ?? 0) + (later.conflated ?? 0) + 1, amount);
}

function amountOf({ terms }: Delivery): number {
  return terms?.conflate?.mode === 'sum' ? terms.conflate.amount : 0;
}

/** The delivery itself where nothing is added to it. */
function standingFor(delivery: Delivery, conflated: number, amount: number): Delivery {
  const conflate = delivery.terms?.conflate;
  const isItsOwn = conflate?.mode !== 'sum' || conflate.amount === amount;
  if (isItsOwn && conflated === 0) return delivery;
  const terms = isItsOwn ? delivery.terms : { ...delivery.terms, conflate: { ...conflate, amount } };
  return { ...delivery, ...(terms && { terms }), ...(conflated > 0 && { conflated }) };
}
