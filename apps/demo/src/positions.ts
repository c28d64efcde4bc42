/** How far this browser has seen its user's notices, kept between visits: what came meanwhile arrives as unread. */
import type { PositionStore } from '@im/client-sdk';

type Kept = Awaited<ReturnType<PositionStore['load']>>;

export function storedPositions(user: string, storage: Pick<Storage, 'getItem' | 'setItem'>): PositionStore {
  const key = `im.demo.positions.${user}`;
  const load = (): Kept => {
    try {
      return JSON.parse(storage.getItem(key) ?? '{}') as Kept;
    } catch {
      // Somebody else wrote there: begin anew.
      return {};
    }
  };
  return {
    load,
    save(group, position) {
      const { [group]: _, ...others } = load();
      storage.setItem(key, JSON.stringify(position ? { ...others, [group]: position } : others));
    },
  };
}
