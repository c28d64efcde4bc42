/** Figures of a push endpoint. */
import type { Counter, Metrics } from '@im/protocol/ports';

export class EndpointFigures {
  readonly #metrics: Metrics;
  /** By HTTP status: few and known. */
  readonly #requests = new Map<number, Counter>();
  readonly #published: Counter;
  readonly #failed: Counter;
  #open = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#published = metrics.counter('im_push_published_total', { help: 'Groups that pushes were published to' });
    this.#failed = metrics.counter('im_push_failed_total', {
      help: 'Pushes, or groups of pushes to users, that failed',
    });
    metrics.observe('im_push_open_requests', { help: 'Requests worked on' }, () => this.#open);
  }

  /** Requests begun and not answered. */
  get open(): number {
    return this.#open;
  }

  begin(): void {
    this.#open++;
  }

  end(status: number): void {
    this.#open--;
    let counter = this.#requests.get(status);
    if (counter === undefined) {
      const labels = { status: String(status) };
      counter = this.#metrics.counter('im_push_requests_total', { help: 'Requests answered', labels });
      this.#requests.set(status, counter);
    }
    counter.add();
  }

  pushed(published: number, failed: number): void {
    this.#published.add(published);
    this.#failed.add(failed);
  }
}
