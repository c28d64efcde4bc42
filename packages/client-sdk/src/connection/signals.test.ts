import { afterEach, describe, expect, it, vi } from 'vitest';
import { pageSignals, type Signal } from './signals.js';

afterEach(() => void vi.unstubAllGlobals());

/** A page, as far as signals go. */
function stubPage() {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const navigator = { onLine: true };
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.stubGlobal('document', document);
  vi.stubGlobal('navigator', navigator);
  return { window, document, navigator };
}

describe('pageSignals', () => {
  it('tells when the network comes and goes and when the page becomes visible, until it is told to stop', () => {
    const { window, document } = stubPage();
    const seen: Signal[] = [];
    const stop = pageSignals.watch((signal) => seen.push(signal));
    const act = () => {
      window.dispatchEvent(new Event('offline'));
      window.dispatchEvent(new Event('online'));
      document.visibilityState = 'hidden';
      document.dispatchEvent(new Event('visibilitychange'));
      document.visibilityState = 'visible';
      document.dispatchEvent(new Event('visibilitychange'));
    };
    act();
    stop();
    act();
    expect(seen).toEqual(['offline', 'online', 'visible']);
  });

  it('believes the page when it says that there is no network', () => {
    const { navigator } = stubPage();
    expect(pageSignals.online()).toBe(true);
    navigator.onLine = false;
    expect(pageSignals.online()).toBe(false);
  });

  it('takes Node, which knows none of this, for always online', () => {
    vi.stubGlobal('navigator', undefined);
    expect(pageSignals.online()).toBe(true);
    expect(pageSignals.watch(() => {})).not.toThrow();
  });
});
