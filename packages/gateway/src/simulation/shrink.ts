/** Makes a failing list of steps as short as it can be made by leaving steps out. */

/** @param fails whether these still do */
export function shrink<T>(steps: readonly T[], fails: (steps: readonly T[]) => boolean): readonly T[] {
  let shortest = steps;
  for (let size = Math.ceil(shortest.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < shortest.length; ) {
      const shorter = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      if (fails(shorter)) shortest = shorter;
      else from += size;
    }
  }
  return shortest;
}
