/** Tells the service how far this person has read one conversation: one call at a time, as long as there is something to tell. */
import type { Persistence } from './persistence.js';

export interface ReadingPorts {
  readonly persistence: Persistence;
  /** @throws CodedError */
  tell(version: number): Promise<unknown>;
}

export interface Reading {
  /** The service is being told. */
  readonly busy: boolean;
  /** @returns false when it is being told so already */
  read(version: number): boolean;
}

export function createReading({ persistence, tell }: ReadingPorts): Reading {
  /** The highest version that the service is being told. */
  let upTo = 0;

  async function tellAll(): Promise<void> {
    for (let told = 0; told < upTo; ) {
      const version = upTo;
      try {
        await persistence.until(() => tell(version));
      } catch {
        // Who is no longer in it has nothing to read.
      }
      told = version;
    }
    upTo = 0;
  }

  return {
    get busy() {
      return upTo > 0;
    },
    read(version) {
      if (version <= upTo) return false;
      const isTelling = upTo > 0;
      upTo = version;
      if (!isTelling) void tellAll();
      return true;
    },
  };
}
