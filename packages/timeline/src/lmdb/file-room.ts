/**
 * Room in LMDB's file for what a transaction may add to it, written ahead. A disk without room is then found by this process's own write,
 * and LMDB never is in want of it: lmdb-js writes beyond a buffer when it tells of a failed write, and the process ends. Nor does a flush have to
 * change the file's length, which costs the file system another one.
 *
 * Nobody else may write to the file meanwhile.
 */
import { open, stat } from 'node:fs/promises';

const CHUNK = Buffer.alloc(1_048_576);
/** Beyond what is needed: an eighth of the file, within these bounds. */
const LEAST_AHEAD = CHUNK.length;
const MOST_AHEAD = 16 * CHUNK.length;

export class FileRoom {
  readonly #file: string;
  readonly #usedBytes: () => number;
  /** At least so much is there behind what is used. */
  #left = 0;

  /** @param usedBytes where the last page ends that is in use */
  constructor(file: string, usedBytes: () => number) {
    this.#file = file;
    this.#usedBytes = usedBytes;
  }

  /**
   * Sees to it that so many bytes can be added, and counts them as added.
   * @throws what the file system says
   */
  async take(bytes: number): Promise<void> {
    if (this.#left < bytes) {
      const used = this.#usedBytes();
      const { size } = await stat(this.#file);
      const ahead = Math.min(MOST_AHEAD, Math.max(LEAST_AHEAD, used / 8));
      this.#left = size - used >= bytes ? size - used : (await this.#lengthen(size, used + bytes + ahead)) - used;
    }
    this.#left -= bytes;
  }

  /** @returns the new length */
  async #lengthen(from: number, to: number): Promise<number> {
    const handle = await open(this.#file, 'r+');
    try {
      let length = from;
      while (length < to) length += (await handle.write(CHUNK, 0, CHUNK.length, length)).bytesWritten;
      return length;
    } finally {
      await handle.close();
    }
  }
}
