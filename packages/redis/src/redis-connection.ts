/**
 * One connection to a Redis server, or one to each node of a Redis Cluster. Owns connecting, preparing, being away and
 * coming back; nothing waits for a server that is away, and nothing is sent twice. Must not know what is stored.
 */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger, type Timer } from '@im/protocol/ports';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { isReply, isUnknownScript, redisError } from './redis-error.js';
import type { RedisScript } from './redis-script.js';

export interface RedisConnectionOptions {
  /** `redis://user:password@host:6379/0`; `rediss://` for TLS; of a Redis Cluster one or several of its nodes. */
  readonly url: string | readonly string[];
  /** Default: whether there are several urls. */
  readonly cluster?: boolean;
  /** What it is for: in the server's list of clients, in logs, as a label of metrics. */
  readonly name: string;
  /** For connecting, and for every answer: then the server counts as away. Default 2,000. */
  readonly timeoutMs?: number;
  /** Runs on every new connection before it counts as available; when it throws, the connection is made anew. */
  readonly prepare?: (connection: RedisConnection) => Promise<void>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface RedisConnection {
  /** Without user and password. */
  readonly address: string;
  readonly cluster: boolean;
  /** False: every call fails at once. */
  readonly available: boolean;
  /**
   * Resolves when it is available, at once when it is.
   * @throws ImError STORE_UNAVAILABLE when the server is away, CONFIG_INVALID when it refuses user or password, CLOSED.
   * It goes on trying all the same.
   */
  ready(): Promise<void>;
  /** Calls back at each change from now on. @returns ends that */
  onAvailability(listener: (available: boolean) => void): () => void;
  /**
   * Bulk replies are Buffers, integers numbers. Keys of one call are of one slot where it is a Cluster.
   * @throws ImError STORE_UNAVAILABLE (whether it was carried out is unknown), STORE_FULL, CONFIG_INVALID (not permitted),
   * INTERNAL, CLOSED
   */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown>;
  /** One command without keys, at every master: its reply from each, as text. @throws as `run` */
  ask(...words: readonly [string, ...string[]]): Promise<unknown[]>;
  close(): Promise<void>;
}

/** Connects in the background: await `ready`. @throws ImError CONFIG_INVALID for a url that is none */
export function connectRedis(options: RedisConnectionOptions): RedisConnection {
  return new IoRedisConnection(options);
}

/** connecting: the first attempt is under way. away: it failed, or the connection was lost; attempts go on. */
type State = 'connecting' | 'available' | 'away' | 'closed';

/** A server that vanished without a word is noticed after this and the timeout, also when nobody calls. */
const PING_EVERY_MS = 1_000;
const MAX_RETRY_DELAY_MS = 1_000;

class IoRedisConnection implements RedisConnection {
  readonly address: string;
  readonly cluster: boolean;
  readonly #options: RedisConnectionOptions;
  readonly #client: Redis | Cluster;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(available: boolean) => void>();
  #state: State = 'connecting';
  #problem: ImError | undefined;
  /** The last problem that was logged: one line each, however many attempts. */
  #told: string | undefined;
  /** Of connections made: what belongs to an older one is ignored. */
  #connections = 0;
  #ping: Timer | undefined;
  readonly #losses;

  constructor(options: RedisConnectionOptions) {
    const { url, clock = systemClock, logger = silentLogger, metrics = noMetrics, name } = options;
    const urls = (typeof url === 'string' ? [url] : url).map(parseUrl);
    const [first] = urls;
    if (first === undefined) throw invalidUrl('no url of Redis was given');
    this.cluster = options.cluster ?? urls.length > 1;
    this.address = urls.map(({ host }) => host).join(', ');
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    const labels = { client: name };
    this.#losses = metrics.counter('im_redis_losses_total', { help: 'Times that Redis went away.', labels });
    metrics.observe('im_redis_available', { help: '1 while Redis can be used.', labels }, () =>
      this.available ? 1 : 0,
    );
    this.#client = this.#createClient(urls, first);
    this.#client.on('ready', () => void this.#prepare());
    this.#client.on('error', (error: Error & { lastNodeError?: Error }) => this.#failed(error.lastNodeError ?? error));
    this.#client.on('close', () => this.#lost());
  }

  get available(): boolean {
    return this.#state === 'available';
  }

  async ready(): Promise<void> {
    if (this.#state === 'connecting') {
      await new Promise<void>((resolve) => {
        const end = this.onAvailability(() => {
          end();
          resolve();
        });
      });
    }
    if (this.#state === 'away' && this.#problem) throw this.#problem;
    this.#check();
  }

  onAvailability(listener: (available: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    this.#check();
    const rest = [keys.length, ...keys, ...args];
    try {
      return await this.#client.callBuffer('EVALSHA', [script.sha, ...rest]);
    } catch (error) {
      if (!isUnknownScript(error)) throw this.#failure(error);
    }
    try {
      return await this.#client.callBuffer('EVAL', [script.lua, ...rest]);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async ask(...[command, ...words]: readonly [string, ...string[]]): Promise<unknown[]> {
    try {
      const nodes = this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client];
      return await Promise.all(nodes.map((node) => node.call(command, ...words)));
    } catch (error) {
      throw redisError(error, this.address);
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const { status } = this.#client;
    const ended =
      status === 'ready' || status === 'connect' || status === 'connecting'
        ? new Promise((resolve) => this.#client.once('end', resolve))
        : undefined;
    this.#enter('closed');
    this.#client.disconnect();
    await ended;
  }

  #createClient(urls: readonly URL[], first: URL): Redis | Cluster {
    const { name, timeoutMs = 2_000 } = this.#options;
    const retryStrategy = (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RETRY_DELAY_MS);
    const common = {
      ...(first.username !== '' && { username: decodeURIComponent(first.username) }),
      ...(first.password !== '' && { password: decodeURIComponent(first.password) }),
      ...(first.protocol === 'rediss:' && { tls: { servername: first.hostname } }),
      connectionName: name,
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // What was under way when a connection broke may have been carried out: never again by itself.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // A master that became a replica: the name may lead to the new one.
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    } satisfies RedisOptions;
    if (this.cluster) {
      return new Cluster(urls.map(addressOf), {
        redisOptions: common,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
        slotsRefreshTimeout: timeoutMs,
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
      });
    }
    const db = Number(first.pathname.slice(1) || 0);
    return new Redis({ ...common, ...addressOf(first), db, enableOfflineQueue: false, retryStrategy });
  }

  async #prepare(): Promise<void> {
    this.#connections += 1;
    const connection = this.#connections;
    try {
      await this.#options.prepare?.(this);
      if (connection !== this.#connections || this.#state === 'closed') return;
      this.#enter('available');
    } catch (error) {
      if (connection !== this.#connections || this.#state === 'closed') return;
      this.#failed(error);
      this.#client.disconnect(true);
    }
  }

  /** A call that fails on the way knows that the connection is lost before the socket's event says so. */
  #failure(thrown: unknown): ImError {
    const error = redisError(thrown, this.address);
    // Of a Cluster it is one node's; the others are there.
    if (this.#state === 'available' && !this.cluster && !isReply(thrown)) {
      this.#problem = error;
      this.#lost();
      this.#client.disconnect(true);
    }
    return error;
  }

  #failed(error: unknown): void {
    this.#problem = redisError(error, this.address);
    if (this.#state !== 'available') this.#lost();
  }

  #lost(): void {
    this.#connections += 1;
    if (this.#state === 'closed') return;
    if (this.#state === 'available') this.#losses.add();
    this.#enter('away');
    const problem = this.#problem?.message ?? 'the connection was lost';
    if (problem === this.#told) return;
    this.#told = problem;
    this.#logger.error('Redis is away', { client: this.#options.name, address: this.address, problem });
  }

  #enter(state: State): void {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    this.#ping?.cancel();
    this.#ping = undefined;
    if (state === 'available') {
      this.#problem = undefined;
      this.#told = undefined;
      this.#pingLater();
      if (before === 'away') {
        this.#logger.info('Redis is back', { client: this.#options.name, address: this.address });
      }
    }
    for (const listener of [...this.#listeners]) listener(state === 'available');
  }

  #pingLater(): void {
    this.#ping = this.#clock.after(
      PING_EVERY_MS,
      () => {
        // Its failure is the connection's, which says so itself.
        this.#client.ping().catch(() => {});
        this.#pingLater();
      },
      { background: true },
    );
  }

  #check(): void {
    if (this.#state === 'available') return;
    if (this.#state === 'closed') throw new ImError('CLOSED');
    throw new ImError('STORE_UNAVAILABLE', { message: `Redis at ${this.address} is away`, cause: this.#problem });
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw invalidUrl('the url of Redis is none; expected redis://host:port');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw invalidUrl(`the url of Redis begins with ${url.protocol}//; expected redis:// or rediss://`);
  }
  if (url.hostname === '' || !/^\/?\d*$/.test(url.pathname)) {
    throw invalidUrl('the url of Redis needs a host, and its path is a number of a database');
  }
  return url;
}

function addressOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6_379) };
}

function invalidUrl(mistake: string): ImError {
  return new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] } });
}
