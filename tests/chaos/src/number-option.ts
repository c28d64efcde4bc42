/** Options that are numbers. */

/** @throws TypeError naming the option */
export function numberIn(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`${option} takes a number above 0, not ${JSON.stringify(text)}`);
  return value;
}

/** A new one where none is given. @throws TypeError */
export function seedIn(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 2 ** 32);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TypeError(`--seed takes a whole number, not ${JSON.stringify(text)}`);
}
