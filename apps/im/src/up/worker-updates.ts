/** Owns: hot updates of the workers: one at a time, with what asked for it meanwhile served by the next; and telling the outcome. */
import type { Logger } from '@im/runtime';

export interface UpdateOutcome {
  readonly updated: boolean;
  /** One line for people. */
  readonly message: string;
}

export interface WorkerUpdatesOptions {
  /** Updates those that there are when its turn comes. @returns how many */
  readonly update: () => Promise<number>;
  readonly logger: Logger;
}

export class WorkerUpdates {
  readonly #options: WorkerUpdatesOptions;
  #running: Promise<UpdateOutcome> | undefined;
  #next: Promise<UpdateOutcome> | undefined;

  constructor(options: WorkerUpdatesOptions) {
    this.#options = options;
  }

  /** Code that changed after the call is not missed: an update that has begun does not count. Never rejects. */
  request(cause: string): Promise<UpdateOutcome> {
    if (this.#running === undefined) return this.#run(cause);
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#run(cause);
    });
    return this.#next;
  }

  #run(cause: string): Promise<UpdateOutcome> {
    this.#running = this.#update(cause).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #update(cause: string): Promise<UpdateOutcome> {
    const { update, logger } = this.#options;
    logger.info('updating the workers', { cause });
    let count: number;
    try {
      count = await update();
    } catch (error) {
      const message = `not updated, the workers go on as they were: ${(error as Error).message}`;
      logger.error(message);
      return { updated: false, message };
    }
    const message = count === 1 ? '1 worker updated' : `${count} workers updated`;
    logger.info(message);
    return { updated: true, message };
  }
}
