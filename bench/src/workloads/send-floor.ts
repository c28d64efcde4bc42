/** The least that writing to 2,000 viewers costs on this machine, without anything above the system call: a program in C, compiled here. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../harness/programs.js';
import type { Figures } from '../harness/result.js';
import type { Scale } from '../scale.js';

const run = promisify(execFile);
const SOURCE = path.join(import.meta.dirname, '../peers/send/send.c');
const VIEWERS = 2_000;
/** What a frame of W1 has, of eight messages, and a gift. */
const FRAME_BYTES = 1_300;
const GIFT_BYTES = 250;
/** A process that cannot open its connections leaves the other waiting. */
const TIMEOUT_MS = 60_000;

export const SEND_FLOOR_ROUNDS: Readonly<Record<Scale, number>> = { full: 120, quick: 60, smoke: 6 };

export function compilerMissing(): string | undefined {
  return findProgram('cc') === undefined ? 'no C compiler (cc)' : undefined;
}

export async function runSendFloor(rounds: number): Promise<Figures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'im-send-'));
  try {
    const program = path.join(folder, 'send');
    await run('cc', ['-O2', '-o', program, SOURCE]);
    const figures = async (bytes: number): Promise<Record<string, number>> =>
      JSON.parse((await run(program, [VIEWERS, bytes, rounds].map(String), { timeout: TIMEOUT_MS })).stdout);
    const [frame, gift] = [await figures(FRAME_BYTES), await figures(GIFT_BYTES)];
    return {
      frameCpuUsPerWrite: frame['cpuUsPerWrite'] as number,
      giftCpuUsPerWrite: gift['cpuUsPerWrite'] as number,
      giftPassMs: gift['passMs'] as number,
      giftP50Ms: gift['p50Ms'] as number,
      giftP99Ms: gift['p99Ms'] as number,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
