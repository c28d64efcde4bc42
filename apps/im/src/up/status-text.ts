/** Owns: the status of `im up` as people read it. Pure. */
import { type Column, durationText, formatTable, paint } from '../rpc/table.js';
import type { ProcessStatus, UpStatus } from './status.js';

/** In the order in which they are shown, with what stands behind the number. */
const WORK: readonly (readonly [figure: string, unit: string])[] = [
  ['connections', 'connections'],
  ['peers', 'peers'],
  ['nodes', 'nodes'],
  ['callers', 'callers'],
  ['workers', 'workers'],
  ['groups', 'groups'],
  ['openCalls', 'open calls'],
  ['messagesPerSecond', 'messages/s'],
  ['callsPerSecond', 'calls/s'],
];

/** @param now milliseconds since 1970 */
export function statusText(status: UpStatus, now: number, colours: boolean): string {
  const { engine, topology, since, pid, problems, processes } = status;
  const up = durationText(now - Date.parse(since));
  const cluster = topology === undefined ? 'no node managers' : `topology ${topology.epoch}, ${topology.nodes} nodes`;
  const health = problems.length === 0 ? 'all is well' : paint(count(problems.length, 'problem'), 'red', colours);
  const head = `im up, process ${pid}, up ${up}; engine ${engine}; ${cluster}; ${health}\n`;
  const lines = problems.map((problem) => `${paint('!', 'red', colours)} ${problem}\n`);
  return [head, ...lines, '\n', formatTable(columns(now), processes, colours)].join('');
}

function columns(now: number): Column<ProcessStatus>[] {
  return [
    { title: 'process', value: ({ name }) => name },
    {
      title: 'state',
      value: ({ state }) => ({ text: state, colour: state === 'running' ? undefined : 'red' }),
    },
    { title: 'pid', value: ({ pid }) => String(pid ?? '') },
    { title: 'up', value: ({ since }) => (since === undefined ? '' : durationText(now - Date.parse(since))) },
    {
      title: 'restarts',
      value: ({ restarts }) => ({ text: String(restarts), colour: restarts > 0 ? 'yellow' : undefined }),
    },
    { title: 'cpu', value: ({ figures: { cpu } }) => (cpu === undefined ? '' : `${Math.round(cpu * 100)}%`) },
    {
      title: 'memory',
      value: ({ figures: { memoryBytes } }) =>
        memoryBytes === undefined ? '' : `${Math.round(memoryBytes / 1_048_576)} MiB`,
    },
    { title: 'lag', value: ({ figures: { lagMs } }) => (lagMs === undefined ? '' : `${Math.round(lagMs)}ms`) },
    { title: 'address', value: ({ address = '' }) => address },
    { title: 'does', value: work },
  ];
}

function work({ figures }: ProcessStatus): string {
  return WORK.flatMap(([figure, unit]) => {
    const value = figures[figure];
    return value === undefined ? [] : [`${value.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit}`];
  }).join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
