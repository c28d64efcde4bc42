import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';
import { localStoragePositions, type TextStorage } from './index.js';

function fakeStorage(initial: Record<string, string> = {}): TextStorage & { items: Map<string, string> } {
  const items = new Map(Object.entries(initial));
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, text) => void items.set(key, text) };
}

describe('localStoragePositions', () => {
  it('brings to the next page what came after the last one', async () => {
    const storage = fakeStorage();
    const first = setUp({ positions: localStoragePositions('im:ann', storage) });
    await first.start();
    first.gateway.publish('u:ann', 'message', 'seen', { lane: 'priority' });
    await first.gateway.settled();
    first.client.close();
    await first.gateway.settled();
    first.gateway.publish('u:ann', 'message', 'missed', { lane: 'priority' });

    const second = setUp({
      positions: localStoragePositions('im:ann', storage),
      WebSocket: first.gateway.WebSocket,
    });
    const seen: unknown[] = [];
    second.client.user.on('message', (text) => seen.push(text));
    second.client.connect();
    await first.gateway.settled();
    expect(seen).toEqual(['missed']);
  });

  it('keeps one item for all groups, and forgets those that were left', () => {
    const storage = fakeStorage();
    const store = localStoragePositions('im:ann', storage);
    store.save('u:ann', { epoch: 'e', version: 3 });
    store.save('g:7', { epoch: 'f', version: 1 });
    store.save('g:7', undefined);
    expect([...storage.items]).toEqual([['im:ann', '{"u:ann":{"epoch":"e","version":3}}']]);
    expect(localStoragePositions('im:ann', storage).load()).toEqual({ 'u:ann': { epoch: 'e', version: 3 } });
    expect(localStoragePositions('im:bob', storage).load()).toEqual({});
  });

  it('adds to what is there also before it was loaded', () => {
    const storage = fakeStorage({ k: '{"u:ann":{"epoch":"e","version":3}}' });
    localStoragePositions('k', storage).save('g:7', { epoch: 'f', version: 1 });
    expect(localStoragePositions('k', storage).load()).toEqual({
      'u:ann': { epoch: 'e', version: 3 },
      'g:7': { epoch: 'f', version: 1 },
    });
  });

  it.each([
    ['null', {}],
    ['[]', {}],
    ['{', {}],
    ['7', {}],
    ['{"u:ann":null,"u:bob":{"epoch":1,"version":1},"u:cid":{"epoch":"e","version":-1}}', {}],
    ['{"u:ann":{"epoch":"e","version":0},"x":7}', { 'u:ann': { epoch: 'e', version: 0 } }],
  ])('takes from %s only what is a position', (text, expected) => {
    expect(localStoragePositions('k', fakeStorage({ k: text })).load()).toEqual(expected);
  });
});
