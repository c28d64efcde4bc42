import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OwnSessions } from './own-sessions.js';
import type { Place, SessionChange } from './place.js';

/** What Redis would hold after being told: sessions per place in order of entering. */
class Told {
  readonly places = new Map<Place, Map<string, string>>();

  tell(changes: ReadonlyMap<Place, readonly SessionChange[]>): void {
    for (const [place, list] of changes) {
      const sessions = this.places.get(place) ?? new Map<string, string>();
      for (const { session, fields } of list) {
        if (fields === undefined) sessions.delete(session);
        else sessions.set(session, fields.join());
      }
      if (sessions.size > 0) this.places.set(place, sessions);
      else this.places.delete(place);
    }
  }

  all(): unknown {
    return [...this.places].map(([place, sessions]) => [place, ...sessions]).sort();
  }
}

const place = fc.constantFrom<Place>('gr:1', 'gr:2', 'uann');
const session = fc.constantFrom('s1', 's2', 's3');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('enter' as const), place, session, field: fc.string() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('leave' as const), place, session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('take' as const), places: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('retell' as const) }) },
);

describe('own sessions', () => {
  it('tell in the end what is there, in the order of entering, however they are taken and told anew', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const own = new OwnSessions(1_000);
        const truth = new Told();
        let told = new Told();
        for (const each of steps) {
          if (each.type === 'enter') {
            expect(own.enter(each.place, each.session, [each.field])).toBe(true);
            truth.tell(new Map([[each.place, [{ session: each.session, fields: [each.field] }]]]));
          } else if (each.type === 'leave') {
            own.leave(each.place, each.session);
            truth.tell(new Map([[each.place, [{ session: each.session, fields: undefined }]]]));
          } else if (each.type === 'take') told.tell(own.take(each.places, 2));
          else {
            own.retellAll();
            told = new Told();
          }
        }
        while (own.hasChanges) told.tell(own.take(2, 2));
        expect(told.all()).toEqual(truth.all());
        expect(own.size).toBe([...truth.places.values()].reduce((sum, { size }) => sum + size, 0));
      }),
    );
  });

  it('refuse a session beyond their number, and keep no place that is empty', () => {
    const own = new OwnSessions(1);
    expect(own.enter('gr:1', 's1', [])).toBe(true);
    expect(own.enter('gr:1', 's2', [])).toBe(false);
    expect(own.enter('gr:1', 's1', ['again'])).toBe(true);
    own.leave('gr:1', 's1');
    own.take(10, 10);
    expect([own.size, own.has('gr:1'), own.hasChanges]).toEqual([0, false, false]);
  });
});
