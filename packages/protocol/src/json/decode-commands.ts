/** Client frames to commands: lines, JSON, the outer shape. What fields mean is the grammar's business. */
import type { Fields } from '../grammar/client-fields.js';
import { isObject } from '../grammar/field-grammar.js';
import { kindOf, malformed, receivedCommand } from '../grammar/received-command.js';
import type { ReceivedCommand } from '../messages.js';
import { findData } from './data-span.js';
import { strictDecoder } from './text-coding.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** All lines of a frame, or none: one malformed line makes the frame malformed. @throws ImError MALFORMED */
export function decodeCommands(frame: Uint8Array, maxMessages: number): ReceivedCommand<Uint8Array>[] {
  const commands: ReceivedCommand<Uint8Array>[] = [];
  let lines = 0;
  for (let start = 0; start < frame.length; ) {
    const lineFeed = frame.indexOf(LINE_FEED, start);
    const next = lineFeed < 0 ? frame.length : lineFeed;
    const end = next > start && frame[next - 1] === CARRIAGE_RETURN ? next - 1 : next;
    if (end > start) {
      if (++lines > maxMessages) throw malformed(`more than ${maxMessages} messages in one frame`);
      const command = decodeLine(frame.subarray(start, end));
      if (command) commands.push(command);
    }
    start = next + 1;
  }
  return commands;
}

/** Undefined for what PR-7 tells receivers to ignore. */
function decodeLine(line: Uint8Array): ReceivedCommand<Uint8Array> | undefined {
  const text = decodeText(line);
  const fields = parseObject(text);
  const kind = kindOf(fields);
  // Only calls have a body; elsewhere the scan is needed only where an escape could hide in a name.
  const data = kind === 'call' || text.includes('\\') ? findData(line) : undefined;
  return receivedCommand(kind, fields, data);
}

function decodeText(line: Uint8Array): string {
  try {
    return strictDecoder.decode(line);
  } catch (cause) {
    throw malformed('text is not UTF-8', cause);
  }
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('a line is not JSON', cause);
  }
  if (!isObject(value)) throw malformed('a line is not a JSON object');
  return value;
}
