import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { launchBrowser } from './browser.js';

type Positions = Record<string, { readonly epoch: string; readonly version: number }>;

/** What the page below offers to tests. */
interface PageOfStore {
  store: {
    load(): Promise<Positions>;
    save(group: string, position: Positions[string] | undefined): void;
  };
  /** Transactions begun. */
  transactions: number;
}

const HTML = `<!doctype html><title>positions</title>
<script type="importmap">{"imports":{"@im/protocol":"/protocol/index.js","@im/protocol/clock":"/protocol/clock.js"}}</script>
<script type="module">
  import { indexedDbPositions } from '/client-sdk/indexed-db.js';
  const { transaction } = IDBDatabase.prototype;
  window.transactions = 0;
  IDBDatabase.prototype.transaction = function (...args) {
    window.transactions++;
    return transaction.apply(this, args);
  };
  window.store = indexedDbPositions('im:ann:phone-1');
</script>`;

describe('positions in IndexedDB', () => {
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    // The built packages, as a page loads them; nothing reaches a network.
    await context.route('http://im.test/**', async (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: HTML });
      const [, name, file] = /^\/([a-z-]+)\/([\w-]+\.js)$/.exec(pathname) ?? [];
      if (name === undefined) return route.abort();
      const path = fileURLToPath(new URL(`../../../packages/${name}/dist/${file}`, import.meta.url));
      await route.fulfill({ contentType: 'text/javascript', body: await readFile(path) });
    });
  });
  afterEach(() => context.close());
  afterAll(() => browser?.close());

  async function open(): Promise<Page> {
    const page = await context.newPage();
    await page.goto('http://im.test/');
    await page.waitForFunction(() => 'store' in globalThis);
    return page;
  }
  const load = (page: Page): Promise<Positions> =>
    page.evaluate(() => (globalThis as unknown as PageOfStore).store.load());

  it('are there for the next page: the latest of each group, and none of those that were left', async () => {
    const first = await open();
    expect(await load(first)).toEqual({});
    await first.evaluate(() => {
      const { store } = globalThis as unknown as PageOfStore;
      store.save('g:left', { epoch: 'e', version: 1 });
      for (let version = 1; version <= 1_000; version++) store.save('u:ann', { epoch: 'e', version });
      store.save('g:1', { epoch: 'f', version: 7 });
      store.save('g:left', undefined);
    });
    await vi.waitFor(async () => {
      expect(await load(first)).toEqual({ 'u:ann': { epoch: 'e', version: 1_000 }, 'g:1': { epoch: 'f', version: 7 } });
    });
    await first.close();
    const second = await open();
    expect(await load(second)).toEqual({ 'u:ann': { epoch: 'e', version: 1_000 }, 'g:1': { epoch: 'f', version: 7 } });
  });

  it('cost few writes, however many are saved', async () => {
    const page = await open();
    const transactions = await page.evaluate(async () => {
      const world = globalThis as unknown as PageOfStore;
      const { store } = world;
      for (let version = 1; version <= 5_000; version++) {
        store.save('u:ann', { epoch: 'e', version });
        await Promise.resolve();
      }
      return world.transactions;
    });
    await vi.waitFor(async () => expect((await load(page))['u:ann']?.version).toBe(5_000));
    expect(transactions).toBeLessThan(10);
  });

  it('go on being kept when somebody deletes the database', async () => {
    const page = await open();
    await load(page);
    const other = await open();
    await other.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.deleteDatabase('im:ann:phone-1');
          request.onsuccess = resolve;
          request.onerror = reject;
        }),
    );
    await page.evaluate(() => (globalThis as unknown as PageOfStore).store.save('u:ann', { epoch: 'e', version: 3 }));
    await vi.waitFor(async () => expect(await load(page)).toEqual({ 'u:ann': { epoch: 'e', version: 3 } }));
  });
});
