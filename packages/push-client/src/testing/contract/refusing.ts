/** The part of the contract about what is refused before anything is sent, and about a client that is closed. */
import { MAX_BODY_BYTES, MAX_NESTING } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { MAX_USERS, type PushClient, type PushMessage } from '../../push-client.js';
import { type ContractSetting, hello } from './setting.js';

export function describeRefusing(setting: ContractSetting): void {
  describe('refusing', () => {
    it.each<[string, (pushing: PushClient) => Promise<unknown>]>([
      ['a user', (pushing) => pushing.toUser('a b', hello)],
      ['one of many users', (pushing) => pushing.toUsers(['ann', ''], hello)],
      ['a room', (pushing) => pushing.toRoom('r:1', hello)],
      ['a group', (pushing) => pushing.toGroup('team', hello)],
      ['a group of a product', (pushing) => pushing.toGroup('p1/r:1', hello)],
    ])('refuses the name of %s outside the grammar, and sends nothing', async (_, push) => {
      await expect(push(setting.client)).rejects.toMatchObject({ name: 'GROUP_INVALID' });
      await setting.client.toRoom('1', hello);
      await setting.arrived(1);
    });

    it.each<[string, Partial<Record<keyof PushMessage, unknown>>, string]>([
      ['no event', { event: '' }, 'event'],
      ['an event of the system', { event: '$kick' }, 'event'],
      ['an unknown lane', { lane: 'fast' }, 'lane'],
      ['an empty id', { id: '' }, 'id'],
      ['an id too long', { id: 'x'.repeat(65) }, 'id'],
      ['an id with half a character', { id: '\ud800' }, 'id'],
      ['an empty sender', { sender: '' }, 'sender'],
      ['a sender that is no text', { sender: 7 }, 'sender'],
      ['a reservation that is neither true nor false', { reserved: 'yes' }, 'reserved'],
      ['conflation that is no object', { conflate: 'sum' }, 'conflate'],
      ['an unknown way of conflation', { conflate: { mode: 'first', key: 'k' } }, 'conflate.mode'],
      ['conflation without key', { conflate: { mode: 'latest' } }, 'conflate.key'],
      ['a sum without amount', { conflate: { mode: 'sum', key: 'k' } }, 'conflate.amount'],
      ['an amount that is no integer', { conflate: { mode: 'sum', key: 'k', amount: 0.5 } }, 'conflate.amount'],
      ['a sender on the priority lane', { lane: 'priority', sender: 'ann' }, 'sender'],
      ['conflation on the priority lane', { lane: 'priority', conflate: { mode: 'latest', key: 'k' } }, 'conflate'],
      ['data that JSON cannot say', { data: () => {} }, 'data'],
      ['data that contains a BigInt', { data: { n: 1n } }, 'data'],
      ['data nested too deep', { data: nested(MAX_NESTING + 1) }, 'data'],
    ])('refuses %s by the name of the field, and sends nothing', async (_, broken, field) => {
      const message = { ...hello, ...broken } as PushMessage;
      await expect(setting.client.toRoom('1', message)).rejects.toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { field },
      });
      await expect(setting.client.toUsers(['ann'], message)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
      await setting.client.toRoom('1', { event: 'hello', data: nested(MAX_NESTING) });
      await setting.arrived(1);
    });

    it('refuses bodies beyond the limit, takes those at the limit, and counts bytes of UTF-8', async () => {
      const fits = 'é'.repeat((MAX_BODY_BYTES - 2) / 2);
      await setting.client.toRoom('1', { event: 'e', data: fits });
      await expect(setting.client.toRoom('1', { event: 'e', data: `${fits}.` })).rejects.toMatchObject({
        name: 'BODY_TOO_LARGE',
        details: { field: 'data', limitBytes: MAX_BODY_BYTES },
      });
      await setting.arrived(1);
    });

    it('refuses to reach nobody, and too many at once', async () => {
      await expect(setting.client.toUsers([], hello)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
      const crowd = Array.from({ length: MAX_USERS + 1 }, (_, i) => `u${i}`);
      await expect(setting.client.toUsers(crowd, hello)).rejects.toMatchObject({ details: { field: 'users' } });
      expect((await setting.client.toUsers(crowd.slice(1), hello)).published).toHaveLength(MAX_USERS);
    });

    it('refuses an acknowledgement that does not exist', async () => {
      await expect(setting.client.toRoom('1', hello, { acknowledge: 'maybe' as 'none' })).rejects.toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { field: 'acknowledge' },
      });
    });

    it('refuses pushes after it was closed, and closes twice as once', async () => {
      await setting.client.close();
      await setting.client.close();
      await expect(setting.client.toRoom('1', hello)).rejects.toMatchObject({ name: 'CLOSED' });
      await expect(setting.client.toUsers(['ann'], hello)).rejects.toMatchObject({ name: 'CLOSED' });
    });
  });
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
