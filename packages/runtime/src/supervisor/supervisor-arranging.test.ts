import { describe, expect, it } from 'vitest';
import { EXIT_NOT_RESTARTABLE } from './child-spec.js';
import { POLICY, setUp, spec, stateOf } from './supervisor.fixture.js';
import type { ArrangeStep } from './supervisor.js';

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
