/** Client frames to commands: maps one after the other. What fields mean is the grammar's business. */
import { kindOf, malformed, type ReceivedBody, receivedCommand } from '../grammar/received-command.js';
import { isJsonBody } from '../json/body.js';
import type { ReceivedCommand } from '../messages.js';
import { memberName } from './member-numbers.js';
import { MessagePackReader } from './reader.js';

/** All maps of a frame, or none: one malformed map makes the frame malformed. @throws ImError MALFORMED */
export function decodeCommands(frame: Uint8Array, maxMessages: number): ReceivedCommand<Uint8Array>[] {
  const commands: ReceivedCommand<Uint8Array>[] = [];
  const reader = new MessagePackReader(frame);
  for (let maps = 0; !reader.atEnd; maps++) {
    if (maps === maxMessages) throw malformed(`more than ${maxMessages} messages in one frame`);
    const command = readCommand(reader);
    if (command) commands.push(command);
  }
  return commands;
}

/** Undefined for what PR-7 tells receivers to ignore. */
function readCommand(reader: MessagePackReader): ReceivedCommand<Uint8Array> | undefined {
  const fields: Record<string, unknown> = Object.create(null);
  let data: ReceivedBody;
  for (let members = reader.map(); members > 0; members--) {
    const name = memberName(reader.name());
    if (name === 'data') data = reader.text() ?? 'broken';
    else fields[name] = reader.value(1);
  }
  const kind = kindOf(fields);
  if (kind !== 'call') return receivedCommand(kind, fields, undefined);
  // Bodies are checked where they enter the system, and opaque from there on.
  if (data instanceof Uint8Array && !isJsonBody(data)) data = 'broken';
  return receivedCommand(kind, fields, data);
}
