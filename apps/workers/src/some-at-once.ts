/** Owns: doing the same with many, some of them at a time. */

const AT_ONCE = 128;

/** Settles when it is done with all, or fails with the first that does. */
export async function someAtOnce<Item>(items: readonly Item[], run: (item: Item) => Promise<unknown>): Promise<void> {
  // All take from the same.
  const rest = items.values();
  const take = async (): Promise<void> => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, take));
}
