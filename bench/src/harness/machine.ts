/** What the figures were taken on. */
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { canPin } from './cores.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly pinned: boolean;
  /** Load average of the last minute, before the first run: above 0.5 others were at work, and figures are provisional. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    pinned: canPin(),
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}
