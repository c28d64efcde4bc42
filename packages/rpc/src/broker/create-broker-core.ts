/** A broker from what its owner configures. */
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_SERVICES, DEFAULT_QUEUE_LIMIT } from '../rpc-limits.js';
import { BrokerCore } from './broker-core.js';

/** Limits of one service: its bulkhead. */
export interface ServiceLimits {
  /** Calls that wait in front of it; more are refused with OVERLOADED. Default: the broker's. */
  readonly queueLimit?: number | undefined;
  /** Calls carried out at once by all its workers together; more wait. Default: as many as its workers take. */
  readonly concurrency?: number | undefined;
}

export interface BrokerLimits {
  /** Calls that wait in front of one service; beyond it they are refused with OVERLOADED. Default 1,024. */
  readonly queueLimit?: number | undefined;
  /** By name, for services that differ. */
  readonly services?: Readonly<Record<string, ServiceLimits>> | undefined;
  /** Body of one call or reply; larger ones are refused with BODY_TOO_LARGE. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Services that may ever be served; more are refused with OVERLOADED. Default 1,024. */
  readonly maxServices?: number | undefined;
  /** Calls of all callers that may be open at once; more are refused with OVERLOADED. Default and most: 262,144. */
  readonly maxOpenCalls?: number | undefined;
  /**
   * Bytes of calls that wait or may have to be repeated; beyond it, or half of it for one service, calls are refused with
   * OVERLOADED. Default 256 MiB.
   */
  readonly maxKeptBytes?: number | undefined;
}

export interface BrokerCoreSettings extends BrokerLimits {
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  readonly graceMs: number;
}

export function createBrokerCore({
  clock = systemClock,
  logger = silentLogger,
  metrics = noMetrics,
  queueLimit = DEFAULT_QUEUE_LIMIT,
  services = {},
  maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
  maxServices = DEFAULT_MAX_SERVICES,
  maxOpenCalls = 262_144,
  maxKeptBytes = 268_435_456,
  graceMs,
}: BrokerCoreSettings): BrokerCore {
  const own = new Map(Object.entries(services));
  return new BrokerCore({
    ...{ clock, logger, metrics, maxBodyBytes, maxServices, maxOpenCalls, maxKeptBytes, graceMs },
    limitsOf: (name) => {
      const limits = own.get(name);
      return {
        queueLimit: limits?.queueLimit ?? queueLimit,
        concurrency: limits?.concurrency ?? Number.POSITIVE_INFINITY,
      };
    },
  });
}
