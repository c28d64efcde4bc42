/** Owns: which plots say what a workload found. Pure. */
import type { SystemResult, WorkloadResult } from '../harness/result.js';
import { drawBars } from './bar-chart.js';
import { drawPoints } from './point-chart.js';

export interface Plot {
  /** Of the file. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Bars of one or two figures of every system. */
interface Bars {
  readonly name: string;
  readonly title: string;
  /** With its unit, and whether less or more is better. */
  readonly axis: string;
  /** What is said of each figure, by its name. */
  readonly series: Readonly<Record<string, string>>;
}

const BARS: Readonly<Record<string, readonly Bars[]>> = {
  W1: [
    {
      name: 'w1-cpu',
      title: 'W1: processor time of the server for one delivery',
      axis: 'µs a delivery, less is better',
      series: {
        cpuUsPerDelivery: 'at the rate of the system (see the table)',
        cpuUsPerDeliveryAt20: 'at 20 messages a second',
      },
    },
    {
      name: 'w1-deliveries',
      title: 'W1: deliveries a second from one core, at most',
      axis: 'deliveries a second, more is better',
      series: { deliveriesPerSecond: 'deliveries a second' },
    },
  ],
  'W1-deflate': [
    {
      name: 'w1-deflate-bytes',
      title: 'W1-deflate: bytes of one delivery of chat, as it is and compressed',
      axis: 'bytes a delivery, less is better',
      series: { bytesPerDelivery: 'at 100 messages a second', bytesPerDeliveryAt2000: 'at 2,000 messages a second' },
    },
    {
      name: 'w1-deflate-cpu',
      title: 'W1-deflate: processor time of the server for one delivery of chat',
      axis: 'µs a delivery, less is better',
      series: { cpuUsPerDelivery: 'at 100 messages a second', cpuUsPerDeliveryAt2000: 'at 2,000 messages a second' },
    },
  ],
  W3: [
    {
      name: 'w3-memory',
      title: 'W3: resident memory of one idle connection',
      axis: 'KB a connection, less is better',
      series: { kbPerConnection: 'idle', kbPerConnectionJustOpened: 'just opened' },
    },
  ],
  W4: [
    {
      name: 'w4-calls',
      title: 'W4: calls a second',
      axis: 'calls a second, more is better',
      series: { callsPerSecond256: '256 in flight', callsPerSecond1024: '1,024 in flight' },
    },
  ],
  W5: [
    {
      name: 'w5-messages',
      title: 'W5: messages a second over the bus',
      axis: 'messages a second, more is better',
      series: { perSecondHot: 'in one hot group', perSecondMany: 'over 10,000 groups' },
    },
  ],
};

/** Those that can be drawn of what was measured; none for workloads that have no plots. */
export function plotsOf({ workload, systems }: WorkloadResult): readonly Plot[] {
  const bars = (BARS[workload] ?? []).map((plot) => barsOf(plot, systems));
  return workload === 'frames' ? [...bars, latencyPlot(systems)] : bars;
}

function barsOf({ name, title, axis, series }: Bars, systems: readonly SystemResult[]): Plot {
  const rows = systems.map(({ name: system, figures }) => ({
    name: system,
    values: Object.keys(series).map((figure) => figures[figure]),
  }));
  return { name, title, svg: drawBars({ title, axis, series: Object.values(series), rows }) };
}

/** Through those of one rate goes a way, from few frames to many. */
function latencyPlot(systems: readonly SystemResult[]): Plot {
  const title = 'Frames a second: what latency costs';
  const most = Math.max(...systems.map(({ figures }) => figures.messagesPerSecond ?? 0));
  return {
    name: 'frames-latency',
    title,
    svg: drawPoints({
      title,
      axes: { x: 'µs of processor time a delivery', y: 'ms from publisher to viewer, 99th percentile' },
      points: systems.flatMap(({ name, figures }) => {
        const { cpuUsPerDelivery: x, normalP99Ms: y, messagesPerSecond: rate = most } = figures;
        if (x === undefined || y === undefined) return [];
        return [{ name: rate === most ? name : `${name}, ${rate} messages/s`, x, y, onWay: rate === most }];
      }),
    }),
  };
}
