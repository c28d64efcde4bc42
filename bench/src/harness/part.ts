/** What the server programs of RPC chains share: being told where the parts before them are, and saying that they are ready. */

/** What the parts that were started before announced, in one object. */
export function reached<Reach>(): Reach {
  return JSON.parse(process.argv[2] ?? '{}') as Reach;
}

/** Tells the parent that this part is ready, and what later parts need to know; ends with the parent. */
export function announcePart(reach: object = {}): void {
  process.stdout.write(`${JSON.stringify(reach)}\n`);
  process.stdin.resume().on('end', () => process.exit());
}
