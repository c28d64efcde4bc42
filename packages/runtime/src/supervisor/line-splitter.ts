/** Owns: cutting a byte stream into lines, whatever the chunks; bounded. */
import { StringDecoder } from 'node:string_decoder';

/** Longer lines are cut into several. */
const MAX_LINE = 65_536;

export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** What came after the last line break, if anything. */
  end(): void;
}

export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    rest += text;
    let begin = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', begin)) {
      onLine(rest.slice(begin, end).replace(/\r$/, ''));
      begin = end + 1;
    }
    rest = rest.slice(begin);
    while (rest.length > MAX_LINE) {
      onLine(rest.slice(0, MAX_LINE));
      rest = rest.slice(MAX_LINE);
    }
  };
  return {
    push: (chunk) => take(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))),
    end() {
      take(decoder.end());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
