import { silentLogger } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '../session/session.js';
import { DeviceCheck } from './device-check.js';

const AT_ONCE = 32;

describe('DeviceCheck', () => {
  const clock = new FakeClock();
  const held = new Set<Session>();
  const asked = vi.fn<(userGroup: string) => void>();
  let away: (userGroup: string) => boolean = () => true;
  const users = {
    enter() {},
    leave() {},
    async sessionsOf(userGroup: string) {
      asked(userGroup);
      if (away(userGroup)) throw new Error('away');
      return [];
    },
    gateways: async () => [],
  };
  const check = new DeviceCheck({
    users,
    clock,
    logger: silentLogger,
    isHeld: (session) => held.has(session),
    areRivals: () => false,
    announce() {},
  });
  afterEach(() => check.close());

  function signIn(userGroup: string): Session {
    const session = { userGroup } as Session;
    held.add(session);
    check.add(session);
    return session;
  }
  async function nextRound(): Promise<void> {
    clock.advance(2_000);
    await new Promise(setImmediate);
  }

  it('keeps none that was closed while the register is away, and starts with those it has not asked for', async () => {
    const first = signIn('u:first');
    for (let i = 0; i < 1_000; i++) {
      const session = signIn(`u:${i}`);
      if (i % 100 === 0) await nextRound();
      held.delete(session);
      check.forget(session);
    }
    expect(check.waiting).toBe(1);
    const others = Array.from({ length: AT_ONCE }, (_, i) => signIn(`u:other${i}`));
    const last = signIn('u:last');
    asked.mockClear();
    away = (userGroup) => userGroup !== 'u:last';
    for (let round = 0; round < 3; round++) await nextRound();
    expect(asked).toHaveBeenCalledWith('u:last');
    expect(check.waiting).toBe(1 + others.length);
    away = () => false;
    await nextRound();
    await nextRound();
    expect(check.waiting).toBe(0);
    expect([held.has(first), held.has(last)]).toEqual([true, true]);
  });
});
