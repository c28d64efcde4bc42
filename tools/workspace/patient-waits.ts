/** Waiting for a condition ends what hangs, and never judges how fast a machine is: `vi.waitFor` waits 1 s if not told otherwise. */
import { vi } from 'vitest';

const PATIENCE_MS = 20_000;

const { waitFor } = vi;
vi.waitFor = (condition, options) =>
  waitFor(condition, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options });
