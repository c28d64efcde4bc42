import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXIT_NOT_RESTARTABLE, EXIT_UNAVAILABLE } from './child-spec.js';
import { restartDelay } from './restart-policy.js';
import { POLICY, setUp, setUpRunning, spec, stateOf } from './supervisor.fixture.js';

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
