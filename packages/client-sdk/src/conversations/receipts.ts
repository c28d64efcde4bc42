/** How far one's own messages came, those that asked. Pure state; sums never shrink, so the larger one counts. */

/** Messages whose sums are kept, those told of last. */
const MAX_MESSAGES = 2_000;

/** Of `of` people so many have it, so many have read it. */
export interface Reach {
  readonly of: number;
  readonly delivered: number;
  readonly read: number;
}

/** What the service says of one message; what is left out has not changed. */
export interface ReceiptSums extends Partial<Reach> {
  readonly conversation: string;
  readonly version: number;
}

export interface Receipts {
  of(conversation: string, version: number): Reach | undefined;
  take(sums: ReceiptSums): void;
}

export function createReceipts(): Receipts {
  const known = new Map<string, Reach>();
  const keyOf = (conversation: string, version: number): string => `${conversation} ${version}`;
  return {
    of: (conversation, version) => known.get(keyOf(conversation, version)),
    take({ conversation, version, of = 0, delivered = 0, read = 0 }) {
      const key = keyOf(conversation, version);
      const before = known.get(key) ?? { of: 0, delivered: 0, read: 0 };
      // Who has read it has it.
      const most = Math.max(before.delivered, delivered, before.read, read);
      known.delete(key);
      known.set(key, { of: Math.max(before.of, of), delivered: most, read: Math.max(before.read, read) });
      if (known.size > MAX_MESSAGES) known.delete(known.keys().next().value as string);
    },
  };
}
