/** Owns: a set of children, started in order and stopped in reverse. The one supervisor of every command. */
import { systemClock } from '../clock.js';
import type { Clock, Random } from '../ports.js';
import type { ChildSpec, Spawner } from './child-spec.js';
import { spawnProcess } from './node-process.js';
import { DEFAULT_RESTART_POLICY, type RestartPolicy } from './restart-policy.js';
import { type ChildStatus, SupervisedChild } from './supervised-child.js';
import type { SupervisorEvent } from './supervisor-event.js';

export interface SupervisorOptions {
  readonly onEvent: (event: SupervisorEvent) => void;
  readonly policy?: Partial<RestartPolicy>;
  readonly spawn?: Spawner;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Supervisor {
  /** One after the other, each when the one before is ready. @throws Error when one fails: the others are stopped again */
  start(): Promise<void>;
  /** In reverse order, each with its deadline. */
  stop(): Promise<void>;
  /** Stops one child and starts it anew; settles when it is ready. */
  restart(name: string): Promise<void>;
  /** Starts a new process beside the old one and hands over when it is ready: no moment without one. */
  replace(name: string, spec?: ChildSpec): Promise<void>;
  /**
   * Hot update: replaces these children one after the other, or starts anew those that do not run.
   * @throws Error when one does not become ready: it goes on as it was, and those after it are left alone
   */
  update(names: readonly string[]): Promise<void>;
  /** Prometheus text of each child that works and answers (see `ParentLink.answerFigures`), by name. */
  figures(): Promise<ReadonlyMap<string, string>>;
  /**
   * From now on these are the children. New ones, and those that have finished, are started, in order, each when the one before is
   * ready; then those that are not among them are stopped, in reverse. What of the others has changed counts from their next start on.
   * @throws Error when a new one fails: then everything is as it was
   */
  arrange(specs: readonly ChildSpec[], onStep?: (step: ArrangeStep) => void): Promise<void>;
  /** In the order of their start. */
  children(): readonly ChildStatus[];
}

export interface ArrangeStep {
  readonly child: string;
  readonly kind: 'starting' | 'ready' | 'stopping' | 'stopped';
}

/** @throws TypeError for two children of one name */
export function createSupervisor(specs: readonly ChildSpec[], options: SupervisorOptions): Supervisor {
  const { onEvent, policy, spawn = spawnProcess, clock = systemClock, random = Math.random } = options;
  const create = (spec: ChildSpec): SupervisedChild =>
    new SupervisedChild(spec, { onEvent, policy: { ...DEFAULT_RESTART_POLICY, ...policy }, spawn, clock, random });
  let children = byName(specs, create);
  let isStopping = false;

  const child = (name: string): SupervisedChild => {
    const found = children.get(name);
    if (found === undefined) throw new TypeError(`no child is called ${name}`);
    return found;
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    for (const some of stoppedTogether([...children.values()])) await Promise.all(some.map((one) => one.stop()));
  };

  return {
    async start() {
      isStopping = false;
      try {
        for (const one of children.values()) await one.start();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
    restart: async (name) => child(name).restart(),
    replace: async (name, spec) => child(name).replace(spec),
    async update(names) {
      for (const one of names.map(child)) await one.update();
    },
    async figures() {
      const answers = [...children].map(async ([name, one]) => [name, await one.figures()] as const);
      const told = (await Promise.all(answers)).filter((answer) => answer[1] !== undefined);
      return new Map(told as (readonly [string, string])[]);
    },
    async arrange(wanted, onStep = () => {}) {
      const before = children;
      const after = byName(wanted, (spec) => before.get(spec.name) ?? create(spec));
      const leaving = [...before].filter(([name]) => !after.has(name));
      const coming = [...after].filter(([name, one]) => !before.has(name) || one.status.state === 'stopped');
      const end = async (ended: readonly (readonly [string, SupervisedChild])[]): Promise<void> => {
        const endOne = async (one: SupervisedChild): Promise<void> => {
          const child = one.spec.name;
          onStep({ child, kind: 'stopping' });
          await one.stop();
          onStep({ child, kind: 'stopped' });
        };
        for (const some of stoppedTogether(ended.map(([, one]) => one))) await Promise.all(some.map(endOne));
      };
      // Those that leave are stopped last of all by `stop`, should that come in between.
      children = new Map([...[...leaving].reverse(), ...after]);
      try {
        for (const [name, one] of coming) {
          if (isStopping) throw new Error('everything is being stopped');
          onStep({ child: name, kind: 'starting' });
          await one.start();
          onStep({ child: name, kind: 'ready' });
        }
      } catch (error) {
        await end(coming);
        children = before;
        throw error;
      }
      for (const spec of wanted) after.get(spec.name)?.respecify(spec);
      await end(leaving);
      children = after;
    },
    children: () => [...children.values()].map((one) => one.status),
  };
}

/** In reverse order; neighbours that are stopped together in one step. */
function stoppedTogether(children: readonly SupervisedChild[]): SupervisedChild[][] {
  const steps: SupervisedChild[][] = [];
  for (const one of [...children].reverse()) {
    const last = steps.at(-1);
    const { together } = one.spec;
    if (last !== undefined && together !== undefined && last[0]?.spec.together === together) last.push(one);
    else steps.push([one]);
  }
  return steps;
}

function byName(
  specs: readonly ChildSpec[],
  make: (spec: ChildSpec) => SupervisedChild,
): ReadonlyMap<string, SupervisedChild> {
  const children = new Map<string, SupervisedChild>();
  for (const spec of specs) {
    if (children.has(spec.name)) throw new TypeError(`two children are called ${spec.name}`);
    children.set(spec.name, make(spec));
  }
  return children;
}
