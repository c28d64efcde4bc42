/** Answers that a publisher still waits for, so that closing it can wait for them too. Must not know what they answer. */
export class OpenAnswers {
  #count = 0;
  #onNone: (() => void) | undefined;

  /** @returns what it settles with, once it no longer counts */
  async track<Result>(answer: Promise<Result>): Promise<Result> {
    this.#count += 1;
    try {
      return await answer;
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#onNone?.();
    }
  }

  /** Resolves when there are none. Call once, when no more are tracked. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onNone = resolve;
      if (this.#count === 0) resolve();
    });
  }
}
