/** All services of one broker, and what `$broker` says of them. A service once served stays known. */
import type { BrokerStats, ServiceStatus, WorkerStatus } from '../broker-status.js';
import { type EntryLimits, ServiceEntry, type ServiceEnvironment } from './service-entry.js';

export interface ServiceTableOptions {
  readonly environment: ServiceEnvironment;
  readonly maxServices: number;
  limitsOf(service: string): EntryLimits;
  /** Until then calls of services nobody served yet wait: workers may still be on their way. Monotonic. */
  readonly graceUntil: number;
}

export class ServiceTable {
  readonly #services = new Map<string, ServiceEntry>();
  readonly #options: ServiceTableOptions;
  readonly #since: number;

  constructor(options: ServiceTableOptions) {
    this.#options = options;
    this.#since = options.environment.turn.now;
  }

  /** Undefined when no worker ever served it. */
  find(name: string): ServiceEntry | undefined {
    const known = this.#services.get(name);
    const { environment, graceUntil } = this.#options;
    if (known !== undefined || environment.turn.now >= graceUntil) return known;
    // Names that callers make up must leave room for what workers serve.
    if (this.#services.size * 2 >= this.#options.maxServices) return undefined;
    const entry = this.findOrAdd(name);
    if (entry !== undefined) entry.absentUntil = graceUntil;
    return entry;
  }

  /** Undefined when the table is full. */
  findOrAdd(name: string): ServiceEntry | undefined {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    const { environment, maxServices, limitsOf } = this.#options;
    if (this.#services.size >= maxServices) return undefined;
    const service = new ServiceEntry(name, limitsOf(name), environment);
    this.#services.set(name, service);
    return service;
  }

  /** The first grace is over: forgets what was called and never served. */
  endGrace(): void {
    for (const [name, entry] of this.#services) {
      entry.endAbsence();
      if (!entry.everServed) this.#services.delete(name);
    }
  }

  services(): ServiceStatus[] {
    return [...this.#services.values()].map((service) => {
      const workers = service.workers.all();
      return {
        name: service.name,
        versions: [...new Set(workers.map(({ version }) => version))],
        methods: [...new Set(workers.flatMap(({ methods }) => [...methods]))],
        workers: workers.length,
        queued: service.queued,
        queueLimit: service.limits.queueLimit,
        running: service.running,
        breaker: service.breaker.state,
        weights: service.workers.shares.weights,
        ...service.counts,
      };
    });
  }

  workers(): WorkerStatus[] {
    const { now } = this.#options.environment.turn;
    return [...this.#services.values()].flatMap((service) =>
      service.workers.all().map((worker) => ({
        id: worker.id,
        service: service.name,
        version: worker.version,
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
      upMs: Math.round(this.#options.environment.turn.now - this.#since),
      services: services.length,
      workers: sum((service) => service.workers.all().length),
      queued: sum((service) => service.queued),
      running: sum((service) => service.running),
      calls: sum(({ counts }) => counts.calls),
      failed: sum(({ counts }) => counts.failed),
      overloaded: sum(({ counts }) => counts.overloaded),
      late: sum(({ counts }) => counts.late),
    };
  }
}
