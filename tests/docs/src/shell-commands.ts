/** Owns: taking shell text apart into commands, as far as documents use the shell. Pure. */

/** One command: its words without quotes, variables and substitutions left as they stand; never empty. */
export type Command = readonly [program: string, ...words: string[]];

const TOKEN =
  /(?<blank>(?:[ \t]|\\\n)+)|(?<comment>#[^\n]*)|(?<end>\n|&&|\|\||[;|&])|(?<word>(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\$\([^)]*\)|\\[^\n]|[^\s'"\\;|&])+)|(?<other>[\s\S]+)/g;

/** @throws Error for text that is not understood, such as a quote that is not closed */
export function parseCommands(text: string): Command[] {
  const commands: Command[] = [];
  let words: string[] = [];
  const finish = (): void => {
    // Variables for the program alone: `IM_PORT=9000 im serve`.
    while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift();
    const [program, ...rest] = words;
    if (program !== undefined) commands.push([program, ...rest]);
    words = [];
  };
  for (const { groups: { end, word, other } = {} } of text.matchAll(TOKEN)) {
    if (other !== undefined) throw new Error(`not understood: ${other}`);
    if (end !== undefined) finish();
    if (word === undefined) continue;
    words.push(withoutQuotes(word));
    for (const [, inner = ''] of word.matchAll(/\$\(([^)]*)\)/g)) commands.push(...parseCommands(inner));
  }
  finish();
  return commands;
}

const withoutQuotes = (word: string): string =>
  word.replaceAll(
    /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\(.)/g,
    (_, single, double, escaped) => single ?? double ?? escaped,
  );
