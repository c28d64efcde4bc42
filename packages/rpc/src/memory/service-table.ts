/** All services of one memory engine, and what `$broker` says of them. A service once served stays known. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { BrokerStats, ServiceStatus, WorkerStatus } from '../broker-status.js';
import { ServiceEntry, type ServiceEnvironment } from './service-entry.js';

export interface ServiceTableOptions extends ServiceEnvironment {
  readonly maxServices: number;
}

export class ServiceTable {
  readonly #services = new Map<string, ServiceEntry>();
  readonly #options: ServiceTableOptions;
  readonly #clock: Clock;
  readonly #since: number;

  constructor(options: ServiceTableOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#since = options.clock.monotonic();
  }

  /** @throws ImError SERVICE_UNKNOWN */
  find(name: string): ServiceEntry {
    const service = this.#services.get(name);
    if (service === undefined) throw new ImError('SERVICE_UNKNOWN');
    return service;
  }

  /** @throws ImError OVERLOADED when the table is full */
  findOrAdd(name: string): ServiceEntry {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    if (this.#services.size >= this.#options.maxServices) {
      throw new ImError('OVERLOADED', { message: `more than ${this.#options.maxServices} services` });
    }
    const service = new ServiceEntry(name, this.#options);
    this.#services.set(name, service);
    return service;
  }

  services(): ServiceStatus[] {
    return [...this.#services.values()].map((service) => {
      const workers = service.workers();
      return {
        name: service.name,
        versions: [...new Set(workers.map((worker) => worker.service.version))],
        methods: [...new Set(workers.flatMap((worker) => worker.service.methods))],
        workers: workers.length,
        queued: service.queued,
        queueLimit: this.#options.queueLimit,
        running: service.running,
        ...service.counts,
      };
    });
  }

  workers(): WorkerStatus[] {
    const now = this.#clock.monotonic();
    return [...this.#services.values()].flatMap((service) =>
      service.workers().map((worker) => ({
        id: worker.id,
        service: service.name,
        version: worker.service.version,
        state: worker.draining ? 'draining' : 'serving',
        running: worker.inFlight,
        concurrency: worker.concurrency,
        upMs: Math.round(now - worker.since),
      })),
    );
  }

  stats(): BrokerStats {
    const services = [...this.#services.values()];
    const sum = (figure: (service: ServiceEntry) => number) =>
      services.reduce((total, service) => total + figure(service), 0);
    return {
      upMs: Math.round(this.#clock.monotonic() - this.#since),
      services: services.length,
      workers: sum((service) => service.workers().length),
      queued: sum((service) => service.queued),
      running: sum((service) => service.running),
      calls: sum(({ counts }) => counts.calls),
      failed: sum(({ counts }) => counts.failed),
      overloaded: sum(({ counts }) => counts.overloaded),
      late: sum(({ counts }) => counts.late),
    };
  }
}
