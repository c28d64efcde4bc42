/** The figures of one fan-out; handles are made once. */
import type { Clock, Counter, Histogram, Metrics } from '@im/protocol/ports';
import type { Losses } from './losses.js';

const FRAME_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

export class GroupMetrics {
  readonly delivered: { readonly normal: Counter; readonly priority: Counter };
  readonly shed: { readonly pressure: Counter; readonly budget: Counter; readonly upstream: Counter };
  readonly conflated: Counter;
  readonly repeated: Counter;
  readonly limitedFrames: Counter;
  readonly overdueFrames: Counter;
  readonly heldOverflows: Counter;
  readonly frameSeconds: Histogram;
  readonly #latency: { readonly normal: Histogram; readonly priority: Histogram };
  readonly #clock: Clock;

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock;
    const delivered = (lane: string) =>
      metrics.counter('im_groups_deliveries_total', { help: 'Messages written to viewers.', labels: { lane } });
    const shed = (reason: string) =>
      metrics.counter('im_groups_shed_total', { help: 'Messages not sent to viewers.', labels: { reason } });
    this.delivered = { normal: delivered('normal'), priority: delivered('priority') };
    this.shed = { pressure: shed('pressure'), budget: shed('budget'), upstream: shed('upstream') };
    this.conflated = metrics.counter('im_groups_conflated_total', {
      help: 'Messages that viewers were not sent because another one stands for them.',
    });
    this.repeated = metrics.counter('im_groups_repeated_sums_total', {
      help: 'Messages that added nothing because their id had added before.',
    });
    this.limitedFrames = metrics.counter('im_groups_limited_frames_total', {
      help: 'Frames for which more waited than there was room for.',
    });
    this.overdueFrames = metrics.counter('im_groups_overdue_frames_total', {
      help: 'Frames that took more than six tenths of the time between two, or were being written when the next was due.',
    });
    this.heldOverflows = metrics.counter('im_groups_held_overflows_total', {
      help: 'Memberships whose beginning took so long that the log had to be read again.',
    });
    const latency = (lane: string) =>
      metrics.histogram('im_groups_latency_seconds', {
        help: 'From the time of the oldest message of a frame or turn until that was written to the last member.',
        labels: { lane },
        buckets: LATENCY_SECONDS,
      });
    this.#latency = { normal: latency('normal'), priority: latency('priority') };
    this.frameSeconds = metrics.histogram('im_groups_frame_seconds', {
      help: 'Time one frame took to write.',
      buckets: FRAME_SECONDS,
    });
  }

  /** All members were written a frame or a turn. @param since what its oldest message says that it was published at */
  wroteAll(lane: 'normal' | 'priority', since: number): void {
    // Clocks of publishers may be ahead.
    this.#latency[lane].observe(Math.max(0, this.#clock.now() - since) / 1000);
  }

  addShed(losses: Readonly<Losses>): void {
    if (losses.budget > 0) this.shed.budget.add(losses.budget);
    if (losses.upstream > 0) this.shed.upstream.add(losses.upstream);
  }
}
