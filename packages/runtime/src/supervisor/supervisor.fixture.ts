/** What tests of the supervisor stand on: processes that do as the test says, on a clock of its own. */
import { createFakeClock } from '../fake-clock.js';
import type { ChildSpec } from './child-spec.js';
import { createFakeProcesses } from './fake-processes.js';
import { createSupervisor, type Supervisor } from './supervisor.js';
import type { SupervisorEvent } from './supervisor-event.js';

export const spec = (name: string, extra: Partial<ChildSpec> = {}): ChildSpec => ({
  name,
  command: name,
  args: [],
  ready: { by: 'ipc' },
  ...extra,
});

export const POLICY = { minDelayMs: 100, maxDelayMs: 1_000, stableMs: 5_000, giveUpAfter: 4 };

export function setUp(specs: ChildSpec[] = [spec('a')], options: { stubborn?: boolean } = {}) {
  const processes = createFakeProcesses(options);
  const clock = createFakeClock();
  const events: SupervisorEvent[] = [];
  const supervisor = createSupervisor(specs, {
    spawn: processes.spawn,
    clock,
    random: () => 1,
    policy: POLICY,
    onEvent: (event) => events.push(event),
  });
  const kinds = () => events.map(({ kind, child }) => `${child} ${kind}`);
  /** Lets the steps that follow settled promises run. */
  const settled = async () => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { processes, clock, events, kinds, supervisor, settled };
}

export const stateOf = (supervisor: Supervisor, name: string) =>
  supervisor.children().find((child) => child.name === name)?.state;

export async function setUpRunning(options: { stubborn?: boolean } = {}) {
  const all = setUp([spec('a')], options);
  const started = all.supervisor.start();
  all.processes.latest('a').ready();
  await started;
  return all;
}
