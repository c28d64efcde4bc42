/** The caller process of every RPC system: the same loops around a call of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { obeyParent } from '../harness/obey-parent.js';
import { CallWindow } from './call-window.js';
import type { CallerCommand, CallerReply } from './caller-command.js';
import { type Note, noteOf } from './note.js';

/** Answered with the same note. @throws what a call fails with */
export type CallNote = (note: Note) => Promise<Note>;

const TICK_MS = 1;
/**
 * Calls at a steady rate that may be open; those due beyond are made late. As many as workers take at once, so that a
 * machine that stalls is not measured as a service that is overloaded.
 */
const MAX_OPEN = 1_000;

let made = 0;

/** Becomes the caller: {@link CallerCommand}s come from the parent. */
export function runCaller(call: CallNote): void {
  obeyParent((command: CallerCommand) => (command.do === 'keep' ? keep(call, command) : pace(call, command)));
}

async function checkedCall(call: CallNote): Promise<void> {
  const note = noteOf(made++);
  const { number } = await call(note);
  if (number !== note.number) throw new Error(`call ${note.number} got the answer of ${number}`);
}

type Of<Kind extends CallerCommand['do']> = Extract<CallerCommand, { do: Kind }>;

async function keep(call: CallNote, { inFlight, warmMs, measureMs, pids }: Of<'keep'>): Promise<CallerReply> {
  const window = new CallWindow(pids);
  let stopped = false;
  const loop = async (): Promise<void> => {
    let startedAt = performance.now();
    while (!stopped) {
      await checkedCall(call);
      const now = performance.now();
      window.answered(now - startedAt);
      startedAt = now;
    }
  };
  const loops = Promise.all(Array.from({ length: inFlight }, loop)).catch((error: unknown) => {
    stopped = true;
    throw error;
  });
  const measured = measure(window, warmMs, measureMs).finally(() => {
    stopped = true;
  });
  const [reply] = await Promise.all([measured, loops]);
  return reply;
}

async function pace(call: CallNote, { callsPerSecond, warmMs, measureMs, pids }: Of<'pace'>): Promise<CallerReply> {
  const window = new CallWindow(pids);
  const startedAt = performance.now();
  let started = 0;
  let open = 0;
  const callOnce = async (): Promise<void> => {
    open += 1;
    const madeAt = performance.now();
    try {
      await checkedCall(call);
      window.answered(performance.now() - madeAt);
    } catch {
      window.failed();
    }
    open -= 1;
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * callsPerSecond);
    for (; started < due && open < MAX_OPEN; started += 1) void callOnce();
  }, TICK_MS);
  const reply = await measure(window, warmMs, measureMs);
  clearInterval(timer);
  // What is still open ends at its deadline at the latest, and counts if it fails.
  while (open > 0) await sleep(TICK_MS);
  return { ...reply, failed: window.failures };
}

async function measure(window: CallWindow, warmMs: number, measureMs: number): Promise<CallerReply> {
  await sleep(warmMs);
  window.start();
  await sleep(measureMs);
  return window.end();
}
