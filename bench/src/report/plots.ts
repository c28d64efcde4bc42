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
  if (workload === 'W1') return costPlots(systems);
  return workload === 'frames' ? [latencyPlot(systems)] : [];
}

function costPlots(systems: readonly SystemResult[]): readonly Plot[] {
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
  ];
}

/** Through those of one rate goes a way, from few frames to many. */
function latencyPlot(systems: readonly SystemResult[]): Plot {
  const most = Math.max(...systems.map(({ figures }) => figures.messagesPerSecond ?? 0));
  return {
    name: 'frames-latency',
    svg: drawPoints({
      title: 'Frames a second: what latency costs',
      axes: { x: 'µs of processor time a delivery', y: 'ms from publisher to viewer, 99th percentile' },
      points: systems.flatMap(({ name, figures }) => {
        const { cpuUsPerDelivery: x, normalP99Ms: y, messagesPerSecond: rate = most } = figures;
        if (x === undefined || y === undefined) return [];
        return [{ name: rate === most ? name : `${name}, ${rate} messages/s`, x, y, onWay: rate === most }];
      }),
    }),
  };
}

function byName(systems: readonly SystemResult[], names: readonly string[]) {
  return systems.map(({ name, figures }) => ({ name, values: names.map((one) => figures[one]) }));
}
