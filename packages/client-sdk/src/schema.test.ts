/** What the types let through and what they do not; checked by the compiler, run so that nothing is claimed idly. */
import type { Push } from '@im/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import type { Client, Room } from './index.js';

interface MyApp {
  room: { chat: { text: string }; gift: { amount: number } };
  user: { message: { from: string } };
  calls: {
    'room.enter'(input: { room: string }): { count: number };
    'chat.send'(input: { room: string; text: string }): { id: string };
    'gift.catalogue'(): { gifts: string[] };
  };
}

type MyRoom = Awaited<ReturnType<Client<MyApp>['enter']>>;

describe('a client with declared types', () => {
  it('knows what its rooms push and what entering answers', () => {
    expectTypeOf<MyRoom>().toEqualTypeOf<Room<MyApp['room'], { count: number }>>();
    const typed = (room: MyRoom) => {
      room.on('gift', (gift, meta) => {
        expectTypeOf(gift).toEqualTypeOf<{ amount: number }>();
        expectTypeOf(meta).toEqualTypeOf<Push<unknown>>();
      });
      room.on('$shed', ({ count }) => expectTypeOf(count).toEqualTypeOf<number | undefined>());
      room.on('$entered', ({ count }) => expectTypeOf(count).toEqualTypeOf<number>());
      // @ts-expect-error: no such event was declared
      room.on('gfit', () => {});
    };
    expectTypeOf(typed).toBeFunction();
  });

  it('knows what calls take and give', () => {
    const typed = async (client: Client<MyApp>) => {
      expectTypeOf(await client.call('chat.send', { room: '1', text: 'hi' })).toEqualTypeOf<{ id: string }>();
      expectTypeOf(await client.call('gift.catalogue')).toEqualTypeOf<{ gifts: string[] }>();
      // @ts-expect-error: the text is missing
      await client.call('chat.send', { room: '1' });
      // @ts-expect-error: no such method was declared
      await client.call('chat.sned', {});
      client.user.on('message', ({ from }) => expectTypeOf(from).toEqualTypeOf<string>());
      // Nothing was declared for everyone: any event, unknown data.
      client.everyone.on('anything', (data) => expectTypeOf(data).toEqualTypeOf<unknown>());
    };
    expectTypeOf(typed).toBeFunction();
  });

  it('takes any name and gives unknown where nothing was declared', () => {
    const untyped = async (client: Client) => {
      expectTypeOf(await client.call('a.b')).toEqualTypeOf<unknown>();
      expectTypeOf(await client.call('a.b', { n: 1 }, { key: 'k' })).toEqualTypeOf<unknown>();
      const room = await client.enter('1');
      expectTypeOf(room.data).toEqualTypeOf<unknown>();
      room.on('chat', (data) => expectTypeOf(data).toEqualTypeOf<unknown>());
    };
    expectTypeOf(untyped).toBeFunction();
  });
});
