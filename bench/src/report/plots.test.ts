import { describe, expect, it } from 'vitest';
import type { WorkloadResult } from '../harness/result.js';
import { axisTo, figure } from './axis.js';
import { pageOf } from './plot-page.js';
import { plotsOf } from './plots.js';

const resultOf = (workload: string, systems: WorkloadResult['systems']): WorkloadResult => ({
  workload,
  machine: { cpu: 'a processor', cores: 2, node: '20', pinned: true, loadBefore: 0 } as WorkloadResult['machine'],
  runs: 1,
  systems,
  missing: [],
});
const systems = [
  { name: 'im', figures: { cpuUsPerDelivery: 1, cpuUsPerDeliveryAt20: 5, normalP99Ms: 100, deliveriesPerSecond: 7e6 } },
  { name: 'ws <&">', figures: { cpuUsPerDelivery: 12.9, normalP99Ms: 34, deliveriesPerSecond: 96_026 } },
];
const frames = [
  { name: 'im@12', figures: { messagesPerSecond: 100, cpuUsPerDelivery: 1, normalP99Ms: 100 } },
  { name: 'im@30', figures: { messagesPerSecond: 100, cpuUsPerDelivery: 2, normalP99Ms: 40 } },
  { name: 'im@0', figures: { messagesPerSecond: 20, cpuUsPerDelivery: 8, normalP99Ms: 9 } },
];

describe('the axis of a plot', () => {
  it.each([
    [17.4, [0, 5, 10, 15, 20]],
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [7_651_145, [0, 2_000_000, 4_000_000, 6_000_000, 8_000_000]],
    [0.11, [0, 0.025, 0.05, 0.075, 0.1, 0.125]],
  ])('to %d has marks at round numbers', (most, ticks) => {
    expect(axisTo(most)).toEqual({ to: ticks.at(-1), ticks });
  });

  it('is one also where nothing was measured', () => {
    expect(axisTo(0).to).toBeGreaterThan(0);
  });

  it('has figures of three digits', () => {
    expect([0, 0.0251, 7.949, 794_223.4].map(figure)).toEqual(['0', '0.0251', '7.95', '794,223']);
  });
});

describe('the plots of a result', () => {
  const cost = plotsOf(resultOf('W1', systems));
  const latency = plotsOf(resultOf('frames', frames));

  it('of W1 show cost and limit of every system, with their units', () => {
    expect(cost.map(({ name }) => name)).toEqual(['w1-cpu', 'w1-deliveries']);
    for (const { svg } of cost) expect(svg).toContain('>im<');
    expect(cost[0]?.svg).toContain('µs a delivery, less is better');
  });

  it('of frames lead a way through what was measured at one rate, and name the other rate', () => {
    const [{ name, svg } = { name: '', svg: '' }] = latency;
    expect(name).toBe('frames-latency');
    expect(svg).toContain('ms from publisher to viewer');
    expect(svg).toMatch(/text-anchor="start">im@12</);
    // On the right there is no room behind the point.
    expect(svg).toMatch(/text-anchor="end">im@0, 20 messages\/s</);
    const [, way = ''] = /<polyline class="way" points="([^"]+)"/.exec(svg) ?? [];
    const across = way.split(' ').map((pair) => Number(pair.split(',')[0]));
    expect(across).toHaveLength(2);
    expect(across).toEqual([...across].sort((one, other) => one - other));
  });

  it('are well-formed: what is named is escaped, and what was not measured is left out', () => {
    for (const { svg } of cost) expect(svg).toContain('ws &#60;&#38;&#34;&#62;');
    for (const { svg } of [...cost, ...latency]) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      // Every tag that opens closes.
      const open: string[] = [];
      for (const [, end, name = '', single] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
        if (single) continue;
        if (end) expect(open.pop()).toBe(name);
        else open.push(name);
      }
      expect(open).toEqual([]);
    }
  });

  it('are none for other workloads', () => {
    expect(plotsOf(resultOf('W2', systems))).toEqual([]);
  });
});

it('the page of plots shows each with its title, and what it was taken on', () => {
  const busy = resultOf('frames', frames);
  const drawn = [resultOf('W1', systems), { ...busy, machine: { ...busy.machine, loadBefore: 3 } }].map((result) => ({
    result,
    plots: plotsOf(result),
  }));
  const page = pageOf(drawn);
  for (const { name, title } of drawn.flatMap(({ plots }) => plots)) expect(page).toContain(`![${title}](${name}.svg)`);
  expect(page.match(/a processor, 2 cores/g)).toHaveLength(2);
  expect(page.match(/PROVISIONAL/g)).toHaveLength(1);
});
