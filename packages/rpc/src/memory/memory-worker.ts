/** The worker's end of the memory engine: registers services and drains them. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { checkName } from '../names.js';
import type { Registration, RpcWorker, ServedService } from '../rpc.js';
import type { ServiceEntry } from './service-entry.js';
import { WorkerEntry } from './worker-entry.js';

export interface MemoryWorkerOptions {
  readonly clock: Clock;
  readonly id: string;
  /** @throws ImError OVERLOADED */
  findOrAdd(service: string): ServiceEntry;
  onClose(): void;
}

export class MemoryWorker implements RpcWorker {
  readonly #options: MemoryWorkerOptions;
  readonly #registrations = new Set<Registration>();
  #served = 0;
  #closed = false;

  constructor(options: MemoryWorkerOptions) {
    this.#options = options;
  }

  async serve(service: ServedService): Promise<Registration> {
    if (this.#closed) throw new ImError('CLOSED');
    checkServed(service);
    const { clock, id, findOrAdd } = this.#options;
    const entry = findOrAdd(service.name);
    // One worker may serve several versions of one service for a while.
    const worker = new WorkerEntry(`${id}.${++this.#served}`, service, clock.monotonic());
    entry.add(worker);
    const registration: Registration = {
      drain: async () => {
        await entry.drain(worker);
        this.#registrations.delete(registration);
      },
    };
    this.#registrations.add(registration);
    return registration;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#registrations].map((registration) => registration.drain()));
    this.#options.onClose();
  }
}

function checkServed({ name, methods, concurrency = 1 }: ServedService): void {
  checkName('service', name);
  for (const method of methods) checkName('method', method);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new ImError('INVALID_ARGUMENT', { details: { argument: 'concurrency' } });
  }
}
