import { describe, expect, it, vi } from 'vitest';
import { POLICY, setUp, setUpRunning, spec, stateOf } from './supervisor.fixture.js';

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
