import { expect, it } from 'vitest';
import { storedPositions } from './positions.js';

function memoryStorage(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

it('positions outlive the visit, each user’s own', () => {
  const storage = memoryStorage();
  storedPositions('ann', storage).save('u:ann', { epoch: 'e', version: 7 });
  expect(storedPositions('ann', storage).load()).toEqual({ 'u:ann': { epoch: 'e', version: 7 } });
  expect(storedPositions('bob', storage).load()).toEqual({});
});

it('a forgotten group is gone', () => {
  const store = storedPositions('ann', memoryStorage());
  store.save('u:ann', { epoch: 'e', version: 7 });
  store.save('u:ann', undefined);
  expect(store.load()).toEqual({});
});

it('what is not ours in the storage is no position', () => {
  const storage = memoryStorage();
  storage.setItem('im.demo.positions.ann', 'not json');
  expect(storedPositions('ann', storage).load()).toEqual({});
});
