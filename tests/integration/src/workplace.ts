/** What a test file of this suite starts: folders, processes, people. All of it is gone after each test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, vi } from 'vitest';
import type { ImProcess, Supervised, Up } from './im-process.js';
import { Person } from './person.js';

const STARTING = { timeout: 30_000, interval: 20 };

export class Workplace {
  readonly #folders: string[] = [];
  readonly #processes: ImProcess[] = [];
  readonly #people: Person[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(path.join(tmpdir(), 'im-integration-'));
    this.#folders.push(folder);
    return folder;
  }

  run<Process extends ImProcess>(process: Process): Process {
    this.#processes.push(process);
    return process;
  }

  /** Runs it until it takes people. @returns where */
  async open(server: Supervised | Up): Promise<string> {
    this.run(server);
    return vi.waitFor(() => {
      expect(server.origin, server.output).toBeDefined();
      return server.origin as string;
    }, STARTING);
  }

  /** As `Person.signIn`. */
  async signIn(...who: Parameters<typeof Person.signIn>): Promise<Person> {
    return this.keep(await Person.signIn(...who));
  }

  /** Somebody who was not signed in here leaves with everybody else. */
  keep(person: Person): Person {
    this.#people.push(person);
    return person;
  }

  async clear(): Promise<void> {
    for (const { client } of this.#people.splice(0)) client.close();
    for (const process of this.#processes.splice(0)) await process.signal('SIGTERM');
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true });
  }
}
