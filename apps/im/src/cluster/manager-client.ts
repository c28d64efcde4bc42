/** Owns: asking a node manager over HTTP, as its operator. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CommandError } from '../command.js';
import { readUpFile } from '../rpc/broker-place.js';
import { SECRET_FILES } from '../server/secrets.js';

/** Nobody answers there, now; not that it refuses. */
export class ManagerAway extends CommandError {}

export interface ManagerPlace {
  readonly managerUrl: string | undefined;
  readonly adminToken: string | undefined;
  /** Of `im up`, or of the manager: where it is, and its token. */
  readonly dataFolder: string;
}

const ANSWER_MS = 5_000;

export class ManagerClient {
  readonly #origin: string;
  readonly #token: string;

  private constructor(origin: string, token: string) {
    this.#origin = origin;
    this.#token = token;
  }

  /** @throws CommandError, naming the flag that helps */
  static async find({ managerUrl, adminToken, dataFolder }: ManagerPlace): Promise<ManagerClient> {
    const origin = managerUrl ?? (await readUpFile(dataFolder).catch(() => undefined))?.managers?.[0];
    if (origin === undefined)
      throw new CommandError(
        `no node manager is known in ${path.resolve(dataFolder)}: name one with --manager-url, or start im up there with --managers 1 (another folder with --data)`,
      );
    return new ManagerClient(origin.replace(/\/$/, ''), adminToken ?? (await readToken(dataFolder)));
  }

  /** @throws CommandError with what the manager says against it; ManagerAway */
  async ask<Answer>(method: 'GET' | 'POST', resource: string, query: Record<string, string> = {}): Promise<Answer> {
    const url = `${this.#origin}${resource}?${new URLSearchParams(query)}`;
    let response: Response;
    let text: string;
    try {
      const headers = { authorization: `Bearer ${this.#token}` };
      response = await fetch(url, { method, headers, signal: AbortSignal.timeout(ANSWER_MS) });
      text = await response.text();
    } catch (cause) {
      throw new ManagerAway(`no node manager answers at ${this.#origin} (--manager-url)`, 1, { cause });
    }
    if (response.ok) return JSON.parse(text) as Answer;
    throw new CommandError(`${messageOf(text) ?? `the node manager answers ${response.status}`}`, 1);
  }
}

function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

async function readToken(folder: string): Promise<string> {
  const file = path.join(folder, SECRET_FILES.admin);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const message = `no admin token at ${file}; name the folder of the node manager with --data, or set IM_ADMIN_TOKEN`;
    throw new CommandError(message, undefined, { cause });
  }
}
