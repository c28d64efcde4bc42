/** Owns: a set of children, started in order and stopped in reverse. The one supervisor of every command. */
import { systemClock } from '../clock.js';
import type { Clock, Random } from '../ports.js';
import type { ChildSpec, Spawner } from './child-spec.js';
import { spawnProcess } from './node-process.js';
import { DEFAULT_RESTART_POLICY, type RestartPolicy } from './restart-policy.js';
import { type ChildState, SupervisedChild } from './supervised-child.js';
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
  /** By name. */
  states(): ReadonlyMap<string, ChildState['kind']>;
}

/** @throws TypeError for two children of one name */
export function createSupervisor(specs: readonly ChildSpec[], options: SupervisorOptions): Supervisor {
  const { onEvent, policy, spawn = spawnProcess, clock = systemClock, random = Math.random } = options;
  const children = new Map<string, SupervisedChild>();
  for (const spec of specs) {
    if (children.has(spec.name)) throw new TypeError(`two children are called ${spec.name}`);
    const merged = { ...DEFAULT_RESTART_POLICY, ...policy };
    children.set(spec.name, new SupervisedChild(spec, { onEvent, policy: merged, spawn, clock, random }));
  }

  const child = (name: string): SupervisedChild => {
    const found = children.get(name);
    if (found === undefined) throw new TypeError(`no child is called ${name}`);
    return found;
  };
  const stop = async (): Promise<void> => {
    for (const one of [...children.values()].reverse()) await one.stop();
  };

  return {
    async start() {
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
    states: () => new Map([...children].map(([name, { state }]) => [name, state.kind])),
  };
}
