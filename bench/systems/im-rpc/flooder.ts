/** Floods the hung service with calls, within a share of a core. */
import { ImError } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { reached } from '../../src/harness/part.js';
import type { FloodCommand, FloodReply } from '../../src/rpc/flood-command.js';
import { noteOf } from '../../src/rpc/note.js';
import { type Addresses, HUNG_SERVICE } from './notes.js';

const TICK_MS = 2;
/** Calls between two looks at the CPU time used. */
const BATCH = 50;
/** In one turn, so that what one turn uses stays near the share. */
const BATCHES_A_TICK = 20;

const rpc = createZeromqRpc({ brokers: [reached<Addresses>()] });
const caller = rpc.createCaller();
const body = encodeJson(noteOf(0));
const answers = new Map<string, number>();
let calls = 0;
let startedAt = performance.now();
let cpuBefore = process.cpuUsage();
let timer: NodeJS.Timeout | undefined;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage(cpuBefore);
  return (user + system) / 1e6;
}

function elapsedSeconds(): number {
  return (performance.now() - startedAt) / 1000;
}

function callOnce(): void {
  calls += 1;
  caller.call(HUNG_SERVICE, 'call', body).then(
    () => count('answered'),
    (error: unknown) => count(error instanceof ImError ? error.name : String(error)),
  );
}

function count(answer: string): void {
  answers.set(answer, (answers.get(answer) ?? 0) + 1);
}

function flood(cores: number): void {
  calls = 0;
  answers.clear();
  startedAt = performance.now();
  cpuBefore = process.cpuUsage();
  timer = setInterval(() => {
    for (let batch = 0; batch < BATCHES_A_TICK && cpuSeconds() < cores * elapsedSeconds(); batch += 1) {
      for (let i = 0; i < BATCH; i += 1) callOnce();
    }
  }, TICK_MS);
}

obeyParent((command: FloodCommand): Promise<FloodReply> => {
  clearInterval(timer);
  if (command.do === 'flood') flood(command.cores);
  const counted = Object.fromEntries(answers);
  return Promise.resolve({ calls, answers: counted, seconds: elapsedSeconds(), cpuSeconds: cpuSeconds() });
});
