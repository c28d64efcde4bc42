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
});
