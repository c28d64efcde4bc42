import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClock } from '../fake-clock.js';
import { type ChildSpec, EXIT_NOT_RESTARTABLE, EXIT_UNAVAILABLE } from './child-spec.js';
import { createFakeProcesses } from './fake-processes.js';
import { restartDelay } from './restart-policy.js';
import { type ArrangeStep, createSupervisor, type Supervisor } from './supervisor.js';
import type { SupervisorEvent } from './supervisor-event.js';

const spec = (name: string, extra: Partial<ChildSpec> = {}): ChildSpec => ({
  name,
  command: name,
  args: [],
  ready: { by: 'ipc' },
  ...extra,
});

const POLICY = { minDelayMs: 100, maxDelayMs: 1_000, stableMs: 5_000, giveUpAfter: 4 };

function setUp(specs: ChildSpec[] = [spec('a')], options: { stubborn?: boolean } = {}) {
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

const stateOf = (supervisor: Supervisor, name: string) =>
  supervisor.children().find((child) => child.name === name)?.state;

async function setUpRunning(options: { stubborn?: boolean } = {}) {
  const all = setUp([spec('a')], options);
  const started = all.supervisor.start();
  all.processes.latest('a').ready();
  await started;
  return all;
}

describe('starting', () => {
  it('starts children in order, each when the one before is ready', async () => {
    const { processes, supervisor, settled } = setUp([spec('broker'), spec('gateway')]);
    const started = supervisor.start();
    expect(processes.all.map((one) => one.spec.name)).toEqual(['broker']);
    processes.latest('broker').ready();
    await settled();
    expect(processes.all.map((one) => one.spec.name)).toEqual(['broker', 'gateway']);
    processes.latest('gateway').ready();
    await started;
    expect(supervisor.children().map(({ state }) => state)).toEqual(['running', 'running']);
  });

  it('kills a child that does not become ready in time, and tries again', async () => {
    const { processes, clock, events, supervisor } = setUp([spec('a', { readyTimeoutMs: 700 })]);
    const started = supervisor.start();
    clock.advance(700);
    expect(processes.latest('a').signals).toEqual(['SIGKILL']);
    expect(events.at(-2)).toMatchObject({ kind: 'ended', reason: 'not ready within 700 ms', expected: false });
    clock.advance(100);
    processes.latest('a').ready();
    await started;
    expect(processes.all).toHaveLength(2);
  });

  it('does not try again when the child says that it is of no use, and stops the others', async () => {
    const { processes, supervisor, settled } = setUp([spec('a'), spec('b')]);
    const started = supervisor.start();
    processes.latest('a').ready();
    await settled();
    processes.latest('b').exit(EXIT_NOT_RESTARTABLE);
    await expect(started).rejects.toThrow('b failed: it cannot start');
    expect(processes.living()).toEqual([]);
    expect(processes.all).toHaveLength(2);
  });

  it('refuses two children of one name', () => {
    expect(() => setUp([spec('a'), spec('a')])).toThrow(TypeError);
  });
});

describe('restarting', () => {
  it('starts a child again that ended, after a delay that doubles', async () => {
    const { processes, clock, events } = await setUpRunning();
    for (const delayMs of [100, 200, 400]) {
      processes.latest('a').exit(1);
      expect(events.at(-1)).toMatchObject({ kind: 'restarting', delayMs });
      const before = processes.all.length;
      clock.advance(delayMs - 1);
      expect(processes.all).toHaveLength(before);
      clock.advance(1);
      expect(processes.all).toHaveLength(before + 1);
      processes.latest('a').ready();
    }
  });

  it('forgets failures once the child ran long enough', async () => {
    const { processes, clock, events } = await setUpRunning();
    processes.latest('a').exit(1);
    clock.advance(100);
    processes.latest('a').ready();
    clock.advance(POLICY.stableMs);
    processes.latest('a').exit(1);
    expect(events.at(-1)).toMatchObject({ kind: 'restarting', failures: 1, delayMs: 100 });
  });

  it('gives up after so many failures in a row, and says why', async () => {
    const { processes, clock, events, supervisor } = await setUpRunning();
    for (let failure = 0; failure < POLICY.giveUpAfter; failure += 1) {
      processes.latest('a').exit(3);
      clock.advance(POLICY.maxDelayMs);
    }
    expect(events.at(-1)).toEqual({
      kind: 'failed',
      wasReady: true,
      child: 'a',
      reason: '4 failures in a row, the last one: exit code 3',
    });
    expect(processes.all).toHaveLength(POLICY.giveUpAfter);
    expect(stateOf(supervisor, 'a')).toBe('failed');
  });

  it('does not give up while something that the child needs is away, and counts its own failures apart', async () => {
    const { processes, clock, events, supervisor } = await setUpRunning();
    processes.latest('a').exit(1);
    clock.advance(POLICY.maxDelayMs);
    for (let start = 0; start < 3 * POLICY.giveUpAfter; start += 1) {
      processes.latest('a').exit(EXIT_UNAVAILABLE);
      expect(events.at(-1)).toMatchObject({ kind: 'restarting', failures: start + 2 });
      clock.advance(POLICY.maxDelayMs);
    }
    processes.latest('a').ready();
    expect(stateOf(supervisor, 'a')).toBe('running');
    for (let failure = 1; failure < POLICY.giveUpAfter; failure += 1) {
      processes.latest('a').exit(1);
      clock.advance(POLICY.maxDelayMs);
    }
    expect(events.at(-1)).toMatchObject({ kind: 'failed', reason: '4 failures in a row, the last one: exit code 1' });
  });

  it('tells at its first start that something a child needs is away, and tries no more', async () => {
    const { processes, supervisor } = setUp();
    const started = supervisor.start();
    processes.latest('a').exit(EXIT_UNAVAILABLE);
    await expect(started).rejects.toThrow('a failed: it cannot start, see above');
    expect(processes.all).toHaveLength(1);
  });

  it('tries again, whatever the exit code, once the child was ready', async () => {
    const { processes, events } = await setUpRunning();
    processes.latest('a').exit(EXIT_NOT_RESTARTABLE);
    expect(events.at(-1)?.kind).toBe('restarting');
  });

  it('restarts one child on demand without counting a failure', async () => {
    const { processes, supervisor, kinds } = await setUpRunning();
    const restarted = supervisor.restart('a');
    expect(processes.all[0]?.signals).toEqual(['SIGTERM']);
    processes.latest('a').ready();
    await restarted;
    expect(processes.living()).toEqual(['a 2']);
    expect(kinds()).toEqual(['a started', 'a ready', 'a ended', 'a started', 'a ready']);
  });

  it('has jittered delays between half of the doubled one and all of it, never above the maximum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const delay = restartDelay(POLICY, failures, () => random);
        const ceiling = Math.min(1_000, 100 * 2 ** (failures - 1));
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });
});

describe('stopping', () => {
  it('stops children in reverse order', async () => {
    const { processes, supervisor, settled, kinds } = setUp([spec('a'), spec('b')]);
    const started = supervisor.start();
    processes.latest('a').ready();
    await settled();
    processes.latest('b').ready();
    await started;
    await supervisor.stop();
    expect(kinds().slice(-4)).toEqual(['b ended', 'b stopped', 'a ended', 'a stopped']);
    expect(processes.all.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']]);
  });

  it('kills a child that does not end in time', async () => {
    const { processes, clock, supervisor, events } = await setUpRunning({ stubborn: true });
    const stopped = supervisor.stop();
    clock.advance(10_000);
    await stopped;
    expect(processes.latest('a').signals).toEqual(['SIGTERM', 'SIGKILL']);
    expect(events.at(-2)).toMatchObject({
      kind: 'ended',
      expected: true,
      reason: 'killed: not stopped within 10000 ms',
    });
  });

  it('ends a pending restart', async () => {
    const { processes, clock, supervisor } = await setUpRunning();
    processes.latest('a').exit(1);
    await supervisor.stop();
    expect(clock.waiting()).toEqual([]);
    expect(stateOf(supervisor, 'a')).toBe('stopped');
  });

  it('ends a start that waits, which says so', async () => {
    const { supervisor, processes } = setUp([spec('a'), spec('b')]);
    const started = supervisor.start();
    await Promise.all([supervisor.stop(), expect(started).rejects.toThrow('a was stopped')]);
    expect(processes.all).toHaveLength(1);
  });

  it('is not undone by a restart that comes later', async () => {
    const { supervisor, clock } = await setUpRunning({ stubborn: true });
    const stopped = supervisor.stop();
    await expect(supervisor.restart('a')).rejects.toThrow('a is stopping');
    clock.advance(10_000);
    await stopped;
  });
});

describe('replacing', () => {
  it('keeps the old process until the new one is ready, then stops it', async () => {
    const { processes, supervisor } = await setUpRunning();
    const replaced = supervisor.replace('a', spec('a', { args: ['new'] }));
    expect(processes.living()).toEqual(['a 1', 'a 2']);
    processes.latest('a').ready();
    await replaced;
    expect(processes.living()).toEqual(['a 2']);
    expect(processes.all[0]?.signals).toEqual(['SIGTERM']);
  });

  it('uses the new specification for later restarts, and the old one when the new never became ready', async () => {
    const { processes, clock, supervisor } = await setUpRunning();
    const bad = supervisor.replace('a', spec('a', { args: ['bad'] }));
    processes.latest('a').exit(1);
    await expect(bad).rejects.toThrow('the new a ended before it was ready: exit code 1');
    expect(processes.living()).toEqual(['a 1']);
    const good = supervisor.replace('a', spec('a', { args: ['good'] }));
    processes.latest('a').ready();
    await good;
    processes.latest('a').exit(1);
    clock.advance(100);
    expect(processes.latest('a').spec.args).toEqual(['good']);
  });

  it('goes on with the new process when the old one ends meanwhile', async () => {
    const { processes, supervisor } = await setUpRunning();
    const replaced = supervisor.replace('a');
    processes.all[0]?.exit(1);
    processes.latest('a').ready();
    await replaced;
    expect(processes.living()).toEqual(['a 2']);
  });

  it('waits for the retiring process when stopped', async () => {
    const { processes, clock, supervisor } = await setUpRunning({ stubborn: true });
    const replaced = supervisor.replace('a');
    processes.latest('a').ready();
    await replaced;
    const stopped = supervisor.stop();
    clock.advance(10_000);
    await stopped;
    expect(processes.living()).toEqual([]);
  });

  it('refuses while nothing runs', async () => {
    const { supervisor } = setUp();
    await expect(supervisor.replace('a')).rejects.toThrow('a is stopped, not running');
    await expect(supervisor.replace('z')).rejects.toThrow(TypeError);
  });
});

describe('updating', () => {
  async function setUpPair(options: { stubborn?: boolean } = {}) {
    const all = setUp([spec('a'), spec('b')], options);
    const started = all.supervisor.start();
    all.processes.latest('a').ready();
    await all.settled();
    all.processes.latest('b').ready();
    await started;
    return all;
  }

  it('replaces one after the other, each once the one before has handed over', async () => {
    const { processes, supervisor, settled } = await setUpPair();
    const updated = supervisor.update(['a', 'b']);
    expect(processes.living()).toEqual(['a 1', 'b 2', 'a 3']);
    processes.latest('a').ready();
    await settled();
    expect(processes.living()).toEqual(['b 2', 'a 3', 'b 4']);
    processes.latest('b').ready();
    await updated;
    expect(processes.living()).toEqual(['a 3', 'b 4']);
  });

  it('changes nothing when the first does not become ready, and says which', async () => {
    const { processes, supervisor, clock, kinds } = await setUpPair();
    const exited = supervisor.update(['a', 'b']);
    processes.latest('a').exit(1);
    await expect(exited).rejects.toThrow('the new a ended before it was ready: exit code 1');
    const hung = supervisor.update(['a', 'b']);
    clock.advance(30_000);
    await expect(hung).rejects.toThrow('the new a ended before it was ready: not ready within 30000 ms');
    expect(processes.living()).toEqual(['a 1', 'b 2']);
    expect(kinds().filter((kind) => kind === 'a ready')).toHaveLength(1);
    expect(supervisor.children().map(({ state }) => state)).toEqual(['running', 'running']);
  });

  it('starts at once what waits to be started again: the new code may be its cure', async () => {
    const { processes, supervisor, clock } = await setUpPair();
    processes.latest('a').exit(1);
    const updated = supervisor.update(['a']);
    expect(processes.living()).toEqual(['b 2', 'a 3']);
    processes.latest('a').ready();
    await updated;
    clock.advance(POLICY.maxDelayMs);
    expect(processes.living()).toEqual(['b 2', 'a 3']);
  });

  it('starts nothing again that was stopped, or is stopped meanwhile', async () => {
    const { processes, supervisor, clock } = await setUpPair({ stubborn: true });
    const updated = supervisor.update(['a', 'b']);
    const stopped = supervisor.stop();
    processes.latest('a').ready();
    await expect(updated).rejects.toThrow('b is stopping');
    clock.advance(10_000);
    await vi.waitFor(() => expect(stateOf(supervisor, 'a')).toBe('stopping'));
    clock.advance(10_000);
    await stopped;
    await expect(supervisor.update(['a'])).rejects.toThrow('a is stopped');
    expect(processes.living()).toEqual([]);
  });

  it('refuses a child that nobody knows', async () => {
    const { supervisor } = await setUpPair();
    await expect(supervisor.update(['z'])).rejects.toThrow('no child is called z');
  });
});

describe('figures', () => {
  it('are those of the children that work and answer in time', async () => {
    const { processes, supervisor, clock, settled } = setUp([spec('a'), spec('b'), spec('c')]);
    const started = supervisor.start();
    for (const name of ['a', 'b', 'c']) {
      processes.latest(name).ready();
      await settled();
    }
    await started;
    processes.latest('c').exit(1);
    const figures = supervisor.figures();
    await settled();
    processes.latest('a').tell('a 1');
    clock.advance(1_000);
    expect(await figures).toEqual(new Map([['a', 'a 1']]));
  });

  it('are asked for once, however many want to know them', async () => {
    const { processes, supervisor, settled } = await setUpRunning();
    const both = [supervisor.figures(), supervisor.figures()];
    await settled();
    processes.latest('a').tell('a 1');
    expect(await Promise.all(both)).toEqual([new Map([['a', 'a 1']]), new Map([['a', 'a 1']])]);
    expect(processes.latest('a').asked).toBe(1);
  });

  it('are waited for as long by who asks later as by who asked first', async () => {
    const { processes, supervisor, clock, settled } = await setUpRunning();
    const first = supervisor.figures();
    await settled();
    clock.advance(990);
    const second = supervisor.figures();
    await settled();
    clock.advance(10);
    expect(await first).toEqual(new Map());
    processes.latest('a').tell('a 1');
    expect(await second).toEqual(new Map([['a', 'a 1']]));
  });

  it('are not waited for when the child ends', async () => {
    const { processes, supervisor, settled } = await setUpRunning();
    const figures = supervisor.figures();
    await settled();
    processes.latest('a').exit(1);
    expect(await figures).toEqual(new Map());
  });
});

it('passes output on, line by line, with its child', async () => {
  const { processes, events } = await setUpRunning();
  processes.latest('a').print('hello');
  expect(events.at(-1)).toEqual({ kind: 'output', child: 'a', pid: 1, stream: 'stdout', line: 'hello' });
});

it('never has two processes outside a replacement, and none after a stop, whatever happens', async () => {
  const action = fc.constantFrom('ready', 'exit', 'advance', 'restart', 'stop', 'start', 'replace', 'update');
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const { processes, clock, supervisor, settled } = setUp();
      const ignore = () => {};
      for (const one of actions) {
        const latest = processes.all.at(-1);
        const alive = latest !== undefined && processes.living().includes(`a ${latest.pid}`);
        if (one === 'ready' && alive) latest.ready();
        if (one === 'exit' && alive) latest.exit(1);
        if (one === 'advance') clock.advance(1_000);
        if (one === 'start') supervisor.start().catch(ignore);
        if (one === 'stop') supervisor.stop().catch(ignore);
        if (one === 'restart') supervisor.restart('a').catch(ignore);
        if (one === 'replace') supervisor.replace('a').catch(ignore);
        if (one === 'update') supervisor.update(['a']).catch(ignore);
        await settled();
        expect(processes.living().length).toBeLessThanOrEqual(stateOf(supervisor, 'a') === 'replacing' ? 2 : 1);
      }
      await supervisor.stop();
      expect(processes.living()).toEqual([]);
      expect(clock.waiting()).toEqual([]);
    }),
  );
});

describe('arranging', () => {
  async function setUpTwo() {
    const all = setUp([spec('a'), spec('z')]);
    const started = all.supervisor.start();
    for (const name of ['a', 'z']) {
      all.processes.latest(name).ready();
      await all.settled();
    }
    await started;
    all.events.length = 0;
    return all;
  }
  const stepsOf = () => {
    const steps: string[] = [];
    return { steps, onStep: ({ child, kind }: ArrangeStep) => void steps.push(`${child} ${kind}`) };
  };

  it('starts what is new in its place, then stops what is gone, and leaves the others alone', async () => {
    const { supervisor, processes, settled } = await setUpTwo();
    const { steps, onStep } = stepsOf();
    const arranged = supervisor.arrange([spec('a'), spec('b'), spec('c')], onStep);
    for (const name of ['b', 'c']) {
      processes.latest(name).ready();
      await settled();
    }
    await arranged;
    expect(steps).toEqual(['b starting', 'b ready', 'c starting', 'c ready', 'z stopping', 'z stopped']);
    expect(processes.living()).toEqual(['a 1', 'b 3', 'c 4']);
    await supervisor.stop();
    expect(processes.living()).toEqual([]);
    expect(supervisor.children().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('goes back when a new one fails: nothing that ran is stopped', async () => {
    const { supervisor, processes, settled, kinds } = await setUpTwo();
    const arranged = supervisor.arrange([spec('a'), spec('b'), spec('c')]);
    processes.latest('b').ready();
    await settled();
    processes.latest('c').exit(EXIT_NOT_RESTARTABLE);
    await expect(arranged).rejects.toThrow('c failed: it cannot start');
    expect(processes.living()).toEqual(['a 1', 'z 2']);
    expect(supervisor.children().map(({ name, state }) => `${name} ${state}`)).toEqual(['a running', 'z running']);
    expect(kinds()).toContain('c failed');
  });

  it('gives those that stay their new settings with their next start', async () => {
    const { supervisor, processes, clock } = await setUpTwo();
    await supervisor.arrange([spec('a', { args: ['more'] }), spec('z')]);
    expect(processes.latest('a').spec.args).toEqual([]);
    processes.latest('a').exit(1);
    clock.advance(POLICY.maxDelayMs);
    expect(processes.latest('a').spec.args).toEqual(['more']);
    processes.latest('a').ready();
    const replaced = supervisor.replace('a');
    expect(processes.latest('a').spec.args).toEqual(['more']);
    processes.latest('a').ready();
    await replaced;
  });

  it('starts nothing any more once everything is being stopped', async () => {
    const { supervisor, processes, settled } = await setUpTwo();
    const arranged = supervisor.arrange([spec('a'), spec('z'), spec('b'), spec('c')]);
    const refused = expect(arranged).rejects.toThrow('b was stopped');
    await supervisor.stop();
    await refused;
    await settled();
    expect(processes.living()).toEqual([]);
    expect(processes.all.map((one) => one.spec.name)).toEqual(['a', 'z', 'b']);
  });

  it('refuses two of one name before anything happens', async () => {
    const { supervisor, processes } = await setUpTwo();
    await expect(supervisor.arrange([spec('b'), spec('b')])).rejects.toThrow(TypeError);
    expect(processes.living()).toEqual(['a 1', 'z 2']);
  });
});

describe('a child that may finish', () => {
  async function setUpGateways(options: { stubborn?: boolean } = {}) {
    const gateway = (name: string) => spec(name, { mayFinish: true, together: 'gateways' });
    const specs = [spec('broker'), gateway('g1'), gateway('g2'), gateway('g3')];
    const all = setUp(specs, options);
    const started = all.supervisor.start();
    for (const { name } of specs) {
      all.processes.latest(name).ready();
      await all.settled();
    }
    await started;
    return { ...all, specs };
  }

  it('is not started again after it has ended with 0 by itself, and is then stopped', async () => {
    const { processes, clock, supervisor, events } = await setUpGateways();
    processes.latest('g2').exit(0);
    expect(stateOf(supervisor, 'g2')).toBe('stopped');
    expect(events.at(-1)).toEqual({ kind: 'stopped', child: 'g2' });
    clock.advance(60_000);
    expect(processes.living()).toEqual(['broker 1', 'g1 2', 'g3 4']);
    await supervisor.stop();
    expect(processes.living()).toEqual([]);
  });

  it('is started again after any other end, and while it was not ready', async () => {
    const { processes, clock, supervisor } = await setUpGateways();
    processes.latest('g2').exit(75);
    expect(stateOf(supervisor, 'g2')).toBe('waiting');
    clock.advance(1_000);
    processes.latest('g2').exit(0);
    expect(stateOf(supervisor, 'g2')).toBe('waiting');
    processes.latest('broker').exit(0);
    expect(stateOf(supervisor, 'broker')).toBe('waiting');
  });

  it('is started again when it is asked for', async () => {
    const { processes, supervisor, specs } = await setUpGateways();
    processes.latest('g2').exit(0);
    const arranged = supervisor.arrange(specs);
    processes.latest('g2').ready();
    await arranged;
    expect(supervisor.children().map(({ state }) => state)).toEqual(['running', 'running', 'running', 'running']);
  });

  it('is stopped together with its neighbours, before those that were started earlier', async () => {
    const { processes, supervisor, settled } = await setUpGateways({ stubborn: true });
    const stopped = supervisor.stop();
    await settled();
    const signalled = () => processes.all.filter(({ signals }) => signals.length > 0).map((one) => one.spec.name);
    expect(signalled()).toEqual(['g1', 'g2', 'g3']);
    for (const name of ['g1', 'g2']) processes.latest(name).exit(0);
    await settled();
    expect(signalled()).toEqual(['g1', 'g2', 'g3']);
    processes.latest('g3').exit(0);
    await settled();
    expect(signalled()).toEqual(['broker', 'g1', 'g2', 'g3']);
    processes.latest('broker').exit(0);
    await stopped;
  });

  it('leaves together with others that are not wanted any more', async () => {
    const { processes, supervisor, specs, settled } = await setUpGateways({ stubborn: true });
    const steps: string[] = [];
    const arranged = supervisor.arrange(specs.slice(0, 2), ({ child, kind }) => steps.push(`${child} ${kind}`));
    await settled();
    expect(steps).toEqual(['g3 stopping', 'g2 stopping']);
    for (const name of ['g2', 'g3']) processes.latest(name).exit(0);
    await arranged;
    expect(steps.slice(2)).toEqual(['g2 stopped', 'g3 stopped']);
    expect(supervisor.children().map(({ name }) => name)).toEqual(['broker', 'g1']);
  });
});

describe('children', () => {
  it('are told with their process, since when they are ready, and how often they ended by themselves', async () => {
    const { supervisor, processes, clock } = await setUpRunning();
    const begin = clock.now();
    expect(supervisor.children()).toEqual([{ name: 'a', state: 'running', pid: 1, readySince: begin, restarts: 0 }]);
    processes.latest('a').exit(1);
    expect(supervisor.children()).toEqual([
      { name: 'a', state: 'waiting', pid: undefined, readySince: undefined, restarts: 0 },
    ]);
    clock.advance(100);
    expect(supervisor.children()[0]).toMatchObject({ state: 'starting', pid: 2, restarts: 1 });
    clock.advance(50);
    processes.latest('a').ready();
    expect(supervisor.children()[0]).toMatchObject({ state: 'running', readySince: begin + 150 });
    const restarted = supervisor.restart('a');
    processes.latest('a').ready();
    await restarted;
    expect(supervisor.children()[0]).toMatchObject({ pid: 3, restarts: 1 });
  });
});
