/** A running chain: broker, worker and caller, each a process of its own, on whatever core the kernel gives them. */
import path from 'node:path';
import { ControlledProcess } from '../harness/control.js';
import { nodeAt } from '../harness/cores.js';
import { startNatsServer } from '../harness/nats-server.js';
import { ServerProcess } from '../harness/server-process.js';
import type { CallerCommand, CallerReply } from './caller-command.js';
import type { RpcSystem } from './rpc-systems.js';

export type Role = 'caller' | 'broker' | 'worker';

interface Stoppable {
  stop(): Promise<void>;
}

export class RpcChain {
  readonly #folder: string;
  readonly #parts: Stoppable[] = [];
  readonly #pids = new Map<Role, number>();
  #reach: Record<string, unknown> = {};

  private constructor(system: RpcSystem) {
    this.#folder = system.folder;
  }

  /** With broker and worker ready. @throws Error when one does not start; nothing is left then */
  static async start(system: RpcSystem): Promise<RpcChain> {
    const chain = new RpcChain(system);
    try {
      if (system.broker === 'nats-server') await chain.#startNatsServer();
      if (system.broker === 'own') chain.#pids.set('broker', await chain.startServer('broker.js'));
      chain.#pids.set('worker', await chain.startServer('worker.js'));
      return chain;
    } catch (error) {
      await chain.stop();
      throw error;
    }
  }

  /** The roles that have a process, with its id. */
  get pids(): ReadonlyMap<Role, number> {
    return this.#pids;
  }

  /** Another part, told what those before it announced. @returns its process id, once it is ready */
  async startServer(program: string): Promise<number> {
    const file = path.join(import.meta.dirname, this.#folder, program);
    const server = new ServerProcess([...nodeAt('anywhere'), file, JSON.stringify(this.#reach)], 'anywhere');
    this.#parts.push(server);
    Object.assign(this.#reach, await server.answer());
    return server.pid;
  }

  startCaller(): ControlledProcess<CallerCommand, CallerReply> {
    const caller = this.startControlled<CallerCommand, CallerReply>('caller.js');
    this.#pids.set('caller', caller.pid);
    return caller;
  }

  /** A part that does what it is told. */
  startControlled<Command extends object, Reply extends object>(program: string): ControlledProcess<Command, Reply> {
    const args = [JSON.stringify(this.#reach)];
    const part = new ControlledProcess<Command, Reply>(`${this.#folder}/${program}`, { place: 'anywhere', args });
    this.#parts.push(part);
    return part;
  }

  /** Ends all parts. */
  async stop(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.stop()));
  }

  async #startNatsServer(): Promise<void> {
    const server = await startNatsServer('anywhere');
    this.#parts.push(server);
    this.#pids.set('broker', server.process.pid);
    this.#reach = { port: server.port };
  }
}
