/** Owns: keeping a process alive that waits for others: nothing of ours holds it while a broker is away. */

const LONG_MS = 2 ** 30;

/** @returns lets it end */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONG_MS);
  return () => clearInterval(timer);
}
