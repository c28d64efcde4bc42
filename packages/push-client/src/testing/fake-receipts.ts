/** The service `receipt` as those who push see it, in memory: whoever is said to have everything has what was asked for them. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson, type Registration, type RpcWorker } from '@im/rpc';

interface Call {
  readonly product?: string;
  readonly id: string;
  readonly users?: readonly string[];
  readonly entries?: readonly (readonly [user: string, epoch: string, version: number])[];
}

export class FakeReceipts {
  /** Users, of each call, under their product. */
  readonly prepared: string[][] = [];
  readonly #asked = new Map<string, Set<string>>();
  readonly #having = new Set<string>();
  #failures: ImError[] = [];

  serve(worker: RpcWorker): Promise<Registration> {
    return worker.serve({
      name: 'receipt',
      version: '1',
      methods: ['$prepare', '$ask', '$asked'],
      handle: async ({ method, body }) => ({
        body: encodeJson(this.#answer(method, decodeJson(body) as Call)),
        headers: {},
      }),
    });
  }

  /** From now on this user's devices have all that was pushed. @param user under its product */
  confirm(user: string): void {
    this.#having.add(user);
  }

  /** The next call fails. */
  failOnce(error: ImError): void {
    this.#failures.push(error);
  }

  #answer(method: string, { product, id, users = [], entries = [] }: Call): unknown {
    const failure = this.#failures.shift();
    if (failure) throw failure;
    const named = (user: string) => (product === undefined ? user : `${product}/${user}`);
    const key = named(id);
    if (method === '$prepare') this.prepared.push(users.map(named));
    else if (method === '$ask') {
      const all = this.#asked.get(key) ?? new Set();
      this.#asked.set(key, all);
      for (const [user] of entries) all.add(named(user));
    } else {
      const all = this.#asked.get(key);
      if (!all) throw new ImError('RECEIPT_UNKNOWN');
      return { of: all.size, delivered: [...all].filter((user) => this.#having.has(user)).length };
    }
    return {};
  }
}
