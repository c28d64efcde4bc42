/** Figures of calls, for either side: rate, errors by code, duration, in flight. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock, Counter, Gauge, Histogram, Metrics } from '@im/protocol/ports';
import type { CommonMiddleware } from './middleware.js';

export interface MeasureCallsOptions {
  readonly metrics: Metrics;
  readonly clock?: Clock | undefined;
  /** Label `side`: caller and worker see different durations of one call. */
  readonly side: 'caller' | 'worker';
}

const DURATION_BUCKETS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
/** Methods with figures of their own, and error codes a method; further ones are counted together as `other`. */
const MAX_METHODS = 500;
const MAX_CODES = 32;
const OTHER = 'other';

/**
 * `im_rpc_calls_total`, `im_rpc_call_errors_total` (by `code`, the error's name), `im_rpc_call_duration_ms` and
 * `im_rpc_calls_in_flight`, by side, service and method. Make one and share it among all services or clients of a
 * process. Where method names come from outside, as in a gateway, measure at the workers: they know their methods.
 */
export function measureCalls({ metrics, clock = systemClock, side }: MeasureCallsOptions): CommonMiddleware {
  const services = new Map<string, Map<string, MethodFigures>>();
  let methods = 0;
  let rest: MethodFigures | undefined;

  function figuresOf(service: string, method: string): MethodFigures {
    const known = services.get(service)?.get(method);
    if (known !== undefined) return known;
    if (methods >= MAX_METHODS) {
      rest ??= new MethodFigures(metrics, { side, service: OTHER, method: OTHER });
      return rest;
    }
    methods++;
    const figures = new MethodFigures(metrics, { side, service, method });
    const ofService = services.get(service) ?? new Map<string, MethodFigures>();
    services.set(service, ofService.set(method, figures));
    return figures;
  }

  return async (call, next) => {
    const figures = figuresOf(call.service, call.method);
    const startedAt = clock.monotonic();
    figures.begin();
    try {
      return await next(call);
    } catch (error) {
      figures.fail(ImError.wrap(error).name);
      throw error;
    } finally {
      figures.end(clock.monotonic() - startedAt);
    }
  };
}

class MethodFigures {
  readonly #metrics: Metrics;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #calls: Counter;
  readonly #duration: Histogram;
  readonly #inFlight: Gauge;
  readonly #errors = new Map<string, Counter>();
  #open = 0;

  constructor(metrics: Metrics, labels: Readonly<Record<string, string>>) {
    this.#metrics = metrics;
    this.#labels = labels;
    this.#calls = metrics.counter('im_rpc_calls_total', { help: 'Calls begun', labels });
    this.#inFlight = metrics.gauge('im_rpc_calls_in_flight', { help: 'Calls begun and not ended', labels });
    this.#duration = metrics.histogram('im_rpc_call_duration_ms', {
      help: 'Duration of calls, failed ones included',
      labels,
      buckets: DURATION_BUCKETS_MS,
    });
  }

  begin(): void {
    this.#calls.add();
    this.#inFlight.set(++this.#open);
  }

  fail(code: string): void {
    this.#errorsOf(this.#errors.has(code) || this.#errors.size < MAX_CODES ? code : OTHER).add();
  }

  end(durationMs: number): void {
    this.#inFlight.set(--this.#open);
    this.#duration.observe(durationMs);
  }

  #errorsOf(code: string): Counter {
    let counter = this.#errors.get(code);
    if (counter === undefined) {
      const labels = { ...this.#labels, code };
      counter = this.#metrics.counter('im_rpc_call_errors_total', { help: 'Calls that failed, by error', labels });
      this.#errors.set(code, counter);
    }
    return counter;
  }
}
