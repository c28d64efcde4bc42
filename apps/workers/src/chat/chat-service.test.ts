import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { chatDefinition } from './chat-service.js';

let fixture: WorkerFixture;
beforeEach(async () => {
  fixture = await startWorkers();
  fixture.watch('r:1');
  fixture.online.enter('r:1', 'ann');
});
afterEach(() => fixture.close());

const chat = (user: string) => fixture.as(chatDefinition, user);

describe('chat', () => {
  it('goes to the room as a normal push with sender, text and time', async () => {
    const { id, at } = await chat('ann').send({ room: '1', text: ' hello\n你好 ' });
    expect(fixture.pushes('chat')).toEqual([{ id, from: { user: 'ann', name: 'ANN' }, text: 'hello 你好', at }]);
    expect(fixture.deliveries[0]).toMatchObject({ group: 'r:1', lane: 'normal', id, time: at });
  });

  it('says whose it is, and that the words of hosts and moderators go first', async () => {
    fixture.online.enter('r:1', 'luna');
    fixture.online.enter('r:1', 'mo');
    await chat('ann').send({ room: '1', text: 'hi' });
    await fixture.as(chatDefinition, 'luna', { claims: { role: 'host' } }).send({ room: '1', text: 'welcome' });
    await fixture.as(chatDefinition, 'mo', { claims: { role: 'moderator' } }).send({ room: '1', text: 'be kind' });
    expect(fixture.deliveries.map(({ terms }) => terms)).toEqual([
      { sender: 'ann' },
      { sender: 'luna', reserved: true },
      { sender: 'mo', reserved: true },
    ]);
  });

  it('is said once when the call with a key is repeated', async () => {
    const first = await chat('ann').send({ room: '1', text: 'once' }, withKey('ann', 'k1'));
    expect(await chat('ann').send({ room: '1', text: 'once' }, withKey('ann', 'k1'))).toEqual(first);
    expect(fixture.pushes('chat')).toHaveLength(1);
  });

  it('is refused from outside the room', async () => {
    await expect(chat('bob').send({ room: '1', text: 'hi' })).rejects.toMatchObject({ name: 'FORBIDDEN' });
    expect(fixture.deliveries).toEqual([]);
  });

  it('is refused with the reason when the text is not fit', async () => {
    await expect(chat('ann').send({ room: '1', text: ' ' })).rejects.toMatchObject({
      code: 1002,
      details: { reason: 'empty' },
    });
    await expect(chat('ann').send({ room: '1', text: 'x'.repeat(501) })).rejects.toMatchObject({
      details: { reason: 'long', maxLength: 500 },
    });
    await expect(chat('ann').send({ room: '1', text: 'x'.repeat(500) })).resolves.toHaveProperty('id');
  });

  it('is refused when one person sends too much, until there was a pause', async () => {
    for (let index = 0; index < 5; index += 1) await chat('ann').send({ room: '1', text: String(index) });
    await expect(chat('ann').send({ room: '1', text: 'more' })).rejects.toMatchObject({
      code: 1001,
      retryable: true,
      details: { retryAfterMs: 1_000 },
    });
    fixture.clock.advance(1_000);
    await chat('ann').send({ room: '1', text: 'again' });
    expect(fixture.pushes('chat')).toHaveLength(6);
  });
});
