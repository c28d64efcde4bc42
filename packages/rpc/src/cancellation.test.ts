import { describe, expect, it } from 'vitest';
import { Cancellation, type CancelSignal } from './cancellation.js';

describe('Cancellation', () => {
  it('tells all who listen, once, and those who come afterwards that it has been', () => {
    const cancellation = new Cancellation();
    const heard: string[] = [];
    for (const name of ['one', 'other', 'third']) cancellation.addEventListener('abort', () => heard.push(name));
    expect(cancellation.aborted).toBe(false);
    cancellation.abort();
    cancellation.abort();
    cancellation.addEventListener('abort', () => heard.push('late'));
    expect(cancellation.aborted).toBe(true);
    expect(heard).toEqual(['one', 'other', 'third']);
  });

  it('does not tell who has stopped listening, whoever that is', () => {
    for (const gone of ['one', 'other', 'third']) {
      const cancellation = new Cancellation();
      const heard: string[] = [];
      const listeners = ['one', 'other', 'third'].map((name) => ({ name, listen: () => void heard.push(name) }));
      for (const { listen } of listeners) cancellation.addEventListener('abort', listen);
      for (const { name, listen } of listeners) if (name === gone) cancellation.removeEventListener('abort', listen);
      cancellation.abort();
      expect(heard).toEqual(['one', 'other', 'third'].filter((name) => name !== gone));
    }
  });

  it('is aborted when it tells, as an AbortSignal is, which will do in its place', () => {
    const controller = new AbortController();
    const cancellation = new Cancellation();
    const seen: boolean[] = [];
    for (const signal of [controller.signal, cancellation] satisfies CancelSignal[]) {
      signal.addEventListener('abort', () => seen.push(signal.aborted));
    }
    controller.abort();
    cancellation.abort();
    expect(seen).toEqual([true, true]);
  });

  it('does not tell who stops listening while it tells others, tells nobody twice, and is `this` to its listeners', () => {
    const cancellation = new Cancellation();
    const heard: unknown[] = [];
    function last(this: unknown): void {
      heard.push(this);
    }
    const gone = () => heard.push('gone');
    cancellation.addEventListener('abort', () => cancellation.removeEventListener('abort', gone));
    for (const listener of [gone, last, last]) cancellation.addEventListener('abort', listener);
    cancellation.abort();
    expect(heard).toEqual([cancellation]);
  });

  it('tells the others when a listener throws, which is then uncaught', async () => {
    const cancellation = new Cancellation();
    const heard: string[] = [];
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    const others = process.listeners('uncaughtException').slice(0, -1);
    for (const other of others) process.off('uncaughtException', other);
    cancellation.addEventListener('abort', () => {
      throw new Error('of a listener');
    });
    cancellation.addEventListener('abort', () => heard.push('other'));
    cancellation.abort();
    expect(heard).toEqual(['other']);
    expect(await uncaught).toMatchObject({ message: 'of a listener' });
    for (const other of others) process.on('uncaughtException', other);
  });

  it('cancels a fetch', async () => {
    const cancellation = new Cancellation();
    const fetched = fetch('data:text/plain,a', { signal: cancellation as unknown as AbortSignal });
    cancellation.abort();
    await expect(fetched).rejects.toMatchObject({ name: 'AbortError' });
  });
});
