/** Owns: doing what concerns the same thing one after the other, within this process. As many wait as calls are under way. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Settles as `run` does, which is called once those before it for the same key have settled. */
  take<Result>(key: string, run: () => Promise<Result>): Promise<Result> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(run);
    const settled: Promise<void> = turn.then(
      () => this.#end(key, settled),
      () => this.#end(key, settled),
    );
    this.#last.set(key, settled);
    return turn;
  }

  #end(key: string, turn: Promise<void>): void {
    if (this.#last.get(key) === turn) this.#last.delete(key);
  }
}
