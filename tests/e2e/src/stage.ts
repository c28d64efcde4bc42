/** What the tests of one file share: a server with an empty data folder, a browser, and whoever visits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser } from './browser.js';
import { LiveServer } from './live-server.js';
import { Visitor } from './visitor.js';

export class Stage {
  #data: string | undefined;
  #server: LiveServer | undefined;
  #browser: Browser | undefined;
  readonly #visitors: Visitor[] = [];

  async open(): Promise<void> {
    this.#data = await mkdtemp(path.join(tmpdir(), 'im-e2e-'));
    this.#server = await LiveServer.start(this.#data);
    this.#browser = await launchBrowser();
  }

  get server(): LiveServer {
    return this.#server as LiveServer;
  }

  /** As `Visitor.arrive`. */
  async arrive(name: string, options?: BrowserContextOptions): Promise<Visitor> {
    const visitor = await Visitor.arrive(this.#browser as Browser, this.server.page, name, options);
    this.#visitors.push(visitor);
    return visitor;
  }

  /** After each test: everybody leaves, and nothing went wrong in anybody's page. */
  async clear(): Promise<void> {
    for (const visitor of this.#visitors.splice(0)) {
      expect(visitor.problems).toEqual([]);
      await visitor.leave();
    }
  }

  /** Also when it did not open. */
  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#server?.stop();
    if (this.#data !== undefined) await rm(this.#data, { recursive: true, force: true });
  }
}
