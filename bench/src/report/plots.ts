/** Owns: which plots say what a workload found. Pure. */
import type { SystemResult, WorkloadResult } from '../harness/result.js';
import { drawBars } from './bar-chart.js';
import { drawPoints } from './point-chart.js';

export interface Plot {
  /** Of the file. */
  readonly name: string;
  readonly svg: string;
}

/** Those that can be drawn of what was measured; none for workloads that have no plots. */
export function plotsOf({ workload, systems }: WorkloadResult): readonly Plot[] {
  return workload === 'W1' ? fanOutPlots(systems) : [];
}

function fanOutPlots(systems: readonly SystemResult[]): readonly Plot[] {
  return [
    {
      name: 'w1-cpu',
      svg: drawBars({
        title: 'W1: processor time of the server for one delivery',
        axis: 'µs of processor time a delivery, less is better',
        series: ['at the rate of the system (see the table)', 'at 20 messages a second'],
        rows: byName(systems, ['cpuUsPerDelivery', 'cpuUsPerDeliveryAt20']),
      }),
    },
    {
      name: 'w1-deliveries',
      svg: drawBars({
        title: 'W1: deliveries a second from one core, at most',
        axis: 'deliveries a second, more is better',
        series: ['deliveries a second'],
        rows: byName(systems, ['deliveriesPerSecond']),
      }),
    },
    {
      name: 'w1-latency',
      svg: drawPoints({
        title: 'W1: what latency costs',
        axes: { x: 'µs of processor time a delivery', y: 'ms from publisher to viewer, 99th percentile' },
        points: frameRatesInOrder(systems).flatMap(({ name, figures }) => {
          const { cpuUsPerDelivery: x, normalP99Ms: y } = figures;
          return x === undefined || y === undefined ? [] : [{ name, x, y, onWay: isOwn(name) }];
        }),
      }),
    },
  ];
}

function byName(systems: readonly SystemResult[], names: readonly string[]) {
  return systems.map(({ name, figures }) => ({ name, values: names.map((one) => figures[one]) }));
}

/** `im`, and `im@30` with another number of frames a second. */
function isOwn(name: string): boolean {
  return /^im(@\d+)?$/.test(name);
}

/** Ours from few frames to none at all, which are the most. */
function frameRatesInOrder(systems: readonly SystemResult[]): readonly SystemResult[] {
  const framesOf = (name: string): number => Number(/@(\d+)$/.exec(name)?.[1] ?? 12) || Number.POSITIVE_INFINITY;
  return [...systems].sort((one, other) => framesOf(one.name) - framesOf(other.name));
}
