/** Owns: the figures that every process has: event-loop lag, memory, garbage collection, handles. */
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { systemClock } from '../clock.js';
import type { Clock, Metrics, Timer } from '../ports.js';

/** Lag is of the last whole window, so that several readers see the same. */
const LAG_WINDOW_MS = 5_000;
const LAG_RESOLUTION_MS = 20;
const GC_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const NANOSECONDS = 1e9;

/** Starts measuring; the returned function ends it. Does not keep the process alive. */
export function recordProcessFigures(metrics: Metrics, clock: Clock = systemClock): () => void {
  const memory = (read: (usage: NodeJS.MemoryUsage) => number) => () => read(process.memoryUsage());
  metrics.observe('im_process_resident_bytes', { help: 'Resident memory.' }, () => process.memoryUsage.rss());
  metrics.observe(
    'im_process_heap_used_bytes',
    { help: 'Heap in use.' },
    memory((usage) => usage.heapUsed),
  );
  metrics.observe(
    'im_process_heap_total_bytes',
    { help: 'Heap reserved.' },
    memory((usage) => usage.heapTotal),
  );
  metrics.observe(
    'im_process_external_bytes',
    { help: 'Memory outside the heap held by objects.' },
    memory((usage) => usage.external),
  );
  metrics.observe('im_process_cpu_seconds', { help: 'Processor time used since start, user and system.' }, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.observe('im_process_uptime_seconds', { help: 'Time since the process began.' }, () => process.uptime());
  metrics.observe(
    'im_process_active_resources',
    { help: 'Sockets, timers and requests that keep the process alive.' },
    () => process.getActiveResourcesInfo().length,
  );
  const stopLag = recordEventLoopLag(metrics, clock);
  const stopCollections = recordCollections(metrics);
  return () => {
    stopLag();
    stopCollections();
  };
}

function recordEventLoopLag(metrics: Metrics, clock: Clock): () => void {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const gauge = (quantile: string) =>
    metrics.gauge('im_process_event_loop_lag_seconds', {
      help: 'How late timers ran in the last five seconds.',
      labels: { quantile },
    });
  const [p50, p99, highest] = [gauge('0.5'), gauge('0.99'), gauge('1')];
  // What the histogram records is the interval between its own timers, that is, its resolution plus the lag.
  const lagOf = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - LAG_RESOLUTION_MS / 1_000);
  let timer: Timer;
  const roll = (): void => {
    p50.set(lagOf(delay.percentile(50)));
    p99.set(lagOf(delay.percentile(99)));
    highest.set(lagOf(delay.max));
    delay.reset();
    timer = clock.after(LAG_WINDOW_MS, roll, { background: true });
  };
  timer = clock.after(LAG_WINDOW_MS, roll, { background: true });
  return () => {
    timer.cancel();
    delay.disable();
  };
}

function recordCollections(metrics: Metrics): () => void {
  const pauses = metrics.histogram('im_process_gc_pause_seconds', {
    help: 'Pauses for garbage collection.',
    buckets: GC_BUCKETS_SECONDS,
  });
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.observe(duration / 1_000);
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
