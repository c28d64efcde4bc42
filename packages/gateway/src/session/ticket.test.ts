import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionSnapshot } from './session-snapshot.js';
import { Tickets } from './ticket.js';

const NOW = 1_790_000_000_000;
const KEY = { id: 'k1', secret: 'first secret of at least 32 bytes' };
const NEXT = { id: 'k2', secret: Buffer.alloc(32, 7) };
const snapshot: SessionSnapshot = {
  session: 's_1',
  user: 'ann',
  device: 'd1',
  product: 'p1',
  groups: ['r:1', 'g:2'],
  attributes: { name: 'Ann é😀', level: 3, vip: true },
  begunAt: 1_790_000_000_000,
  sequence: 4_294_967_298,
  userPosition: { epoch: 'e', version: 7 },
};

describe('Tickets', () => {
  it('gives back what was issued, until it expires [PR-91] [PR-93]', () => {
    const tickets = new Tickets([KEY]);
    const ticket = tickets.issue(snapshot, NOW + 10);
    expect(tickets.open(ticket, NOW)).toEqual(snapshot);
    expect(tickets.open(ticket, NOW + 9)).toEqual(snapshot);
    expect(tickets.open(ticket, NOW + 10)).toBeUndefined();
  });

  it('signs with the first key and accepts all, so that keys can be replaced', () => {
    const old = new Tickets([KEY]).issue(snapshot, NOW + 10);
    const both = new Tickets([NEXT, KEY]);
    expect(both.open(old, NOW)).toEqual(snapshot);
    const renewed = both.issue(snapshot, NOW + 10);
    expect(new Tickets([NEXT]).open(renewed, NOW)).toEqual(snapshot);
    expect(new Tickets([NEXT]).open(old, NOW)).toBeUndefined();
  });

  it('accepts nothing signed with another secret under the same key id', () => {
    const forged = new Tickets([{ id: 'k1', secret: 'other secret of at least 32 bytes' }]).issue(snapshot, NOW + 10);
    expect(new Tickets([KEY]).open(forged, NOW)).toBeUndefined();
  });

  it('accepts no ticket of which any character was changed, and nothing made up', () => {
    const tickets = new Tickets([KEY, NEXT]);
    const ticket = tickets.issue(snapshot, NOW + 10);
    for (let at = 0; at < ticket.length; at++) {
      const changed = ticket.slice(0, at) + (ticket[at] === 'A' ? 'B' : 'A') + ticket.slice(at + 1);
      expect(tickets.open(changed, NOW), `at ${at}: ${changed}`).toBeUndefined();
    }
    expect(tickets.open(`${ticket}.more`, NOW)).toBeUndefined();
    expect(tickets.open(ticket.replace('.k1.', '.k2.'), NOW)).toBeUndefined();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { maxLength: 6 }).map((parts) => ['v1', 'k1', ...parts].join('.')),
        ),
        (text) => {
          expect(tickets.open(text, NOW)).toBeUndefined();
        },
      ),
    );
  });

  it.each([
    ['none', []],
    ['a short secret', [{ id: 'k', secret: 'short' }]],
    ['a key id outside its grammar', [{ id: 'a.b', secret: KEY.secret }]],
    ['the same id twice', [KEY, { ...NEXT, id: 'k1' }]],
  ])('refuses to work with keys like these: %s', (_case, keys) => {
    expect(() => new Tickets(keys)).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });
});
