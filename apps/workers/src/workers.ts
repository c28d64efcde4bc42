/** Composes the services and serves them. Where they run, and on which engines, is decided by whoever calls this. */
import type { Publisher } from '@im/broadcast';
import type { OnlineReader } from '@im/groups';
import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import { answerOnce, logFailures, measureCalls, type RpcWorker, type WorkerMiddleware, wrapService } from '@im/rpc';
import type { IdSource, LogReader, RecordStore } from '@im/timeline';
import { createAuthService } from './auth/auth-service.js';
import { callKeyOf, hasNoEffects } from './call.js';
import { createChatService } from './chat/chat-service.js';
import { createConcernOf } from './conversation/absent-receivers.js';
import { createConversationService } from './conversation/conversation-service.js';
import { createGiftService } from './gift/gift-service.js';
import { OfflineHook, type OfflineHookOptions } from './offline/offline-hook.js';
import { type Rate, RateLimit } from './rate-limit.js';
import { PushReceipts } from './receipt/push-receipts.js';
import { ReceiptNews } from './receipt/receipt-news.js';
import { createReceiptService } from './receipt/receipt-service.js';
import { Receipts } from './receipt/receipts.js';
import { Audience } from './room/audience.js';
import { Rooms } from './room/room.js';
import { createRoomService } from './room/room-service.js';

export interface WorkersOptions {
  readonly worker: RpcWorker;
  readonly publisher: Publisher;
  /** Logs of rooms, people and conversations. */
  readonly log: LogReader;
  /** Small state of people and conversations. */
  readonly records: RecordStore;
  /** Of messages. */
  readonly ids: IdSource;
  readonly online: OnlineReader;
  /** Who is told of messages for people who are not connected; undefined: nobody. */
  readonly offline?: Pick<OfflineHookOptions, 'users' | 'sinks' | 'preview' | 'outbox'> | undefined;
  /** How long `online` may not know yet of somebody who has entered: where several processes share it. Default 0. */
  readonly onlineLagMs?: number;
  /** Key of development tokens; undefined: none are issued. */
  readonly developmentSecret?: Uint8Array | undefined;
  /** Of the code, for canary and hot update. */
  readonly version: string;
  readonly rates?: Partial<WorkerRates>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Of one person, over all rooms and conversations. */
export interface WorkerRates {
  readonly chat: Rate;
  readonly like: Rate;
  readonly gift: Rate;
  readonly message: Rate;
  /** Of messages to one person who does not answer. */
  readonly unanswered: Rate;
  /** Of chat groups. */
  readonly change: Rate;
  /** Of what people set for themselves in conversations, and messages taken back. */
  readonly mark: Rate;
  /** Of lists, pages of history and members, and opening. */
  readonly look: Rate;
}

export const DEFAULT_RATES: WorkerRates = {
  chat: { perSecond: 1, burst: 5 },
  like: { perSecond: 2, burst: 10 },
  gift: { perSecond: 5, burst: 20 },
  message: { perSecond: 5, burst: 20 },
  unanswered: { perSecond: 0.1, burst: 100 },
  change: { perSecond: 2, burst: 60 },
  mark: { perSecond: 20, burst: 200 },
  look: { perSecond: 10, burst: 200 },
};

export interface Workers {
  /** Answers the calls it has, takes no new ones. Hands back nothing else: worker and publisher stay yours to close. */
  close(): Promise<void>;
}

/** How long what is told of people who are not connected may take when the workers end. */
const OFFLINE_GRACE_MS = 3_000;

/** Settles when callers can reach all services. */
export async function createWorkers(options: WorkersOptions): Promise<Workers> {
  const { worker, publisher, log, records, ids, online, developmentSecret, version, clock, logger, metrics } = options;
  const rates = { ...DEFAULT_RATES, ...options.rates };
  const limit = (what: keyof WorkerRates): RateLimit => new RateLimit(what, rates[what], clock, metrics);
  const audience = new Audience({ online, publisher, clock, logger, metrics });
  const rooms = new Rooms({ online, onlineLagMs: options.onlineLagMs ?? 0, audience, clock });

  const news = new ReceiptNews({ publisher, clock, logger, metrics });
  const receipts = new Receipts({ records, news, logger, metrics });
  const pushes = new PushReceipts({ records, receipts, clock, metrics });
  const concernOf = createConcernOf({ records, log });
  const offline =
    options.offline && new OfflineHook({ ...options.offline, concernOf, clock, random: Math.random, logger, metrics });

  const services = [
    createAuthService({ developmentSecret, clock, version }),
    createRoomService({ rooms, online, publisher, likeRate: limit('like'), clock, version }),
    createChatService({ rooms, publisher, rate: limit('chat'), clock, version }),
    createGiftService({ rooms, publisher, log, rate: limit('gift'), clock, version }),
    createConversationService({
      ...{ publisher, log, records, ids, receipts, offline, clock, logger, version },
      rates: {
        message: limit('message'),
        unanswered: limit('unanswered'),
        change: limit('change'),
        mark: limit('mark'),
        look: limit('look'),
      },
    }),
    createReceiptService({ receipts, pushes, version }),
  ];
  const middleware: readonly WorkerMiddleware[] = [
    measureCalls({ metrics, clock, side: 'worker' }),
    answerOnce({ keyOf: callKeyOf, isRepeatable: hasNoEffects, clock, metrics }),
    logFailures({ logger }),
  ];
  const registrations = await Promise.all(services.map((service) => worker.serve(wrapService(service, middleware))));
  return {
    async close() {
      audience.close();
      await Promise.all(registrations.map((registration) => registration.drain()));
      news.flush();
      await offline?.close(OFFLINE_GRACE_MS);
    },
  };
}
