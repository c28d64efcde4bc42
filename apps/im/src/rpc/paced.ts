/** Owns: reading something no faster than wanted, so that whoever sends it need not send more. */
import type { Clock } from '@im/runtime';

export interface Pace {
  readonly most: number;
  readonly perMs: number;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
}

/** The items as they come, but at most so many in such a time. */
export async function* paced<Item>(items: AsyncIterable<Item>, { most, perMs, clock }: Pace): AsyncGenerator<Item> {
  let since = clock.monotonic();
  let read = 0;
  for await (const item of items) {
    yield item;
    read += 1;
    if (read < most) continue;
    const left = since + perMs - clock.monotonic();
    if (left > 0) await new Promise<void>((resolve) => void clock.after(left, resolve));
    since = clock.monotonic();
    read = 0;
  }
}
