/**
 * Membership by call sequence, against a model of a few lines: whatever order calls, answers, removals, timeouts and reconnects
 * come in, client, gateway and online list agree with it, and every effect that was not carried out is told to the worker.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture } from '../testing/index.js';

const GROUPS = ['r:1', 'r:2', 'r:3'] as const;
type Group = (typeof GROUPS)[number];

const group = fc.constantFrom(...GROUPS);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      type: fc.constantFrom('join' as const, 'join' as const, 'leave' as const, 'kick' as const),
      group,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kick' as const), group }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('time out' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('reconnect' as const), elsewhere: fc.boolean(), clean: fc.boolean() }),
  },
);

interface PendingCall {
  readonly key: string;
  readonly id: number;
  readonly sequence: number;
  readonly effect: { readonly type: 'join' | 'leave' | 'kick'; readonly group: Group };
}

class Model {
  readonly members = new Set<string>();
  readonly rejected: { effect: unknown; reason: string }[] = [];
  readonly #latest = new Map<string, number>();
  sequence = 0;

  answer({ sequence, effect }: PendingCall): void {
    if (sequence < (this.#latest.get(effect.group) ?? 0)) {
      this.rejected.push({ effect, reason: 'overtaken' });
    } else if (effect.type === 'kick') {
      this.kick(effect.group);
    } else {
      this.#latest.set(effect.group, sequence);
      if (effect.type === 'join') this.members.add(effect.group);
      else this.members.delete(effect.group);
    }
  }

  kick(of: string): void {
    this.members.delete(of);
    this.#latest.set(of, this.sequence + 0.5);
  }
}

/** What the client believes, from nothing but what it was told. */
function believed(link: FakeLink): string[] {
  const groups = new Set<string>();
  for (const message of link.messages) {
    if (message.type === 'welcome') for (const { group: each } of message.groups) groups.add(each);
    else if (message.type === 'joined') groups.add(message.group);
    else if (message.type === 'left') groups.delete(message.group);
  }
  return [...groups].filter((each) => each.startsWith('r:') && each !== 'r:0').sort();
}

async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise(setImmediate);
}

describe('membership by call sequence', () => {
  it('is what a simple model says, for every interleaving [PR-62] [PR-66] [PR-68] [PR-69] [PR-70]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const fixture = await new GatewayFixture().serve();
        const gateways = [fixture.gateway, fixture.another()];
        const model = new Model();
        const pending: PendingCall[] = [];
        let link = await fixture.enter('ann');
        let at = 0;
        let nextId = 2;
        const end = (reason: string, ...calls: PendingCall[]): void => {
          for (const call of calls) model.rejected.push({ effect: call.effect, reason });
        };
        /** Calls that ended without an answer are answered late, so that their effects come too. */
        const answerLate = async (calls: readonly PendingCall[]): Promise<void> => {
          for (const { key, effect } of calls) await fixture.answer(key, effect);
        };

        for (const each of steps) {
          if (each.do === 'call') {
            const id = nextId++;
            const key = `call-${id}`;
            link.say({ type: 'call', id, method: 'test.held', data: key });
            const removal = each.type === 'kick' && { code: 1001, reason: 'spam' };
            const effect = { type: each.type, ...removal, group: each.group };
            pending.push({ key, id, sequence: ++model.sequence, effect });
          } else if (each.do === 'answer' && pending.length > 0) {
            const [call] = pending.splice(each.which % pending.length, 1) as [PendingCall];
            await fixture.answer(call.key, call.effect);
            model.answer(call);
            await link.answerTo(call.id);
          } else if (each.do === 'kick') {
            await settle();
            await fixture.gift('u:ann', { type: 'kick', group: each.group, code: 1001, reason: 'spam' }, '$kick');
            model.kick(each.group);
          } else if (each.do === 'cancel' && pending.length > 0) {
            // One that never reached the worker has no effects to reject.
            await settle();
            const [call] = pending.splice(each.which % pending.length, 1) as [PendingCall];
            link.say({ type: 'cancel', call: call.id });
            end('cancelled', call);
            await answerLate([call]);
          } else if (each.do === 'time out') {
            await settle();
            link.say({ type: 'ping' });
            fixture.clock.advance(10_000);
            link.say({ type: 'ping' });
            const calls = pending.splice(0);
            end('timed-out', ...calls);
            await answerLate(calls);
          } else if (each.do === 'reconnect') {
            await settle();
            const ticket = (link.all('ticket').at(-1) ?? link.all('welcome')[0])?.ticket;
            if (each.clean) link.disconnect();
            if (each.elsewhere) at = 1 - at;
            const old = link;
            link = await fixture.enter('ann', { ticket }, gateways[at]);
            if (!each.clean) expect(await old.untilClosed()).toMatchObject({ code: 4505 });
            expect(link.all('welcome')[0]).toMatchObject({ resumed: true });
            const calls = pending.splice(0);
            end('disconnected', ...calls);
            await answerLate(calls);
          }
          await settle();
          expect(believed(link)).toEqual([...model.members].sort());
          for (const name of GROUPS) expect(await fixture.online.count(name)).toBe(model.members.has(name) ? 1 : 0);
        }

        for (const name of GROUPS) await fixture.gift(name, 'who hears this?');
        await fixture.gift('u:ann', 'last');
        await link.until('push', ({ data }) => data === 'last');
        await settle();
        const heard = link.all('push').flatMap(({ group: name, data }) => (data === 'who hears this?' ? [name] : []));
        expect(heard.sort()).toEqual([...model.members].sort());
        const told = (fixture.rejected as { effects: unknown[]; reason: string }[]).map(
          ({ effects: [effect], reason }) => ({ effect, reason }),
        );
        const sorted = (list: unknown[]): string[] => list.map((each) => JSON.stringify(each)).sort();
        expect(sorted(told)).toEqual(sorted(model.rejected));
        await fixture.close();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
