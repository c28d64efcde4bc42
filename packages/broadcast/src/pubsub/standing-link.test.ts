import { ImError } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLink } from './fixtures/fake-link.js';
import { StandingLink } from './standing-link.js';

describe('StandingLink', () => {
  let clock: FakeClock;
  let events: string[];
  let attempts: (FakeLink | Error)[];
  let standing: StandingLink;

  beforeEach(() => {
    clock = new FakeClock();
    events = [];
    attempts = [];
    standing = new StandingLink({
      open: async () => {
        const next = attempts.shift() ?? new ImError('UNAVAILABLE');
        events.push('open');
        if (next instanceof FakeLink) return next;
        throw next;
      },
      clock,
      random: () => 1,
      onUp: () => void events.push('up'),
      onDown: (cause) => void events.push(`down ${String(cause)}`),
      onFailure: () => void events.push('failed'),
    });
  });

  it('tells at the start why it cannot be made, and does not try again', async () => {
    await expect(standing.start()).rejects.toMatchObject({ name: 'UNAVAILABLE' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('is made again after a loss, with pauses that grow to two seconds', async () => {
    const [first, last] = [new FakeLink(), new FakeLink()];
    attempts = [first];
    await standing.start();
    expect(standing.link).toBe(first);
    first.lose('reset');
    await vi.waitFor(() => expect(events).toEqual(['open', 'up', 'down reset']));
    expect(standing.link).toBeUndefined();
    for (const pause of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]) {
      const before = events.length;
      clock.advance(pause - 1);
      expect(events).toHaveLength(before);
      clock.advance(1);
      await vi.waitFor(() => expect(events.slice(before)).toEqual(['open', 'failed']));
    }
    attempts = [last];
    clock.advance(2_000);
    await vi.waitFor(() => expect(standing.link).toBe(last));
    last.lose('again');
    await vi.waitFor(() => expect(standing.link).toBeUndefined());
    const before = events.length;
    clock.advance(50);
    await vi.waitFor(() => expect(events.slice(before)).toEqual(['open', 'failed']));
    await standing.close();
  });

  it('checks every five seconds while it stands', async () => {
    const link = new FakeLink();
    attempts = [link];
    await standing.start();
    clock.advance(16_000);
    expect(link.checks).toBe(3);
    await standing.close();
  });

  it('leaves nothing once closed: up, waiting or being made', async () => {
    const link = new FakeLink();
    attempts = [link];
    await standing.start();
    await standing.close();
    expect(link.isClosed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    expect(events).toEqual(['open', 'up']);
  });

  it('closes a link that comes up after it was closed', async () => {
    const [first, late] = [new FakeLink(), new FakeLink()];
    attempts = [first, late];
    await standing.start();
    first.lose('reset');
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    clock.advance(50);
    await standing.close();
    await vi.waitFor(() => expect(late.isClosed).toBe(true));
    expect(clock.pendingTimers).toBe(0);
  });
});
