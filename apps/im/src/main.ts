#!/usr/bin/env node
/** The `im` command: finds the subcommand and runs it. */
import { nearestName } from '@im/runtime';
import { type Environment, runCommand } from './command.js';
import { bots } from './commands/bots.js';
import { broker } from './commands/broker.js';
import { gateway } from './commands/gateway.js';
import { keys } from './commands/keys.js';
import { push } from './commands/push.js';
import { serve } from './commands/serve.js';
import { start } from './commands/start.js';
import { token } from './commands/token.js';
import { up } from './commands/up.js';
import { update } from './commands/update.js';
import { worker } from './commands/worker.js';

const commands = [start, serve, up, update, broker, gateway, worker, keys, bots, push, token];

const width = Math.max(...commands.map(({ name }) => name.length));
const usage = `im: instant messaging for live-streaming rooms

Usage: im [command] [options]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Without a command it is "start". "im <command> --help" lists a command's options.

Examples:
  im start --bots 200                    # a server with a lively room
  im push --to room:10000 --event notice --body '{"text":"hello"}'
  im token --name ann                    # for trying things out with other clients
`;

const environment: Environment = {
  variables: process.env,
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
};

// A reader that went away is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const [first, ...rest] = process.argv.slice(2);
if (first === '--help' || first === '-h' || first === 'help') {
  environment.print(usage);
} else {
  const isNamed = first !== undefined && !first.startsWith('-');
  const command = isNamed ? commands.find(({ name }) => name === first) : start;
  if (command === undefined) {
    const nearest = nearestName(
      first ?? '',
      commands.map(({ name }) => name),
    );
    environment.printError(
      `im: unknown command ${first}${nearest === undefined ? '' : `; did you mean ${nearest}?`}\n${usage}`,
    );
    process.exitCode = 64;
  } else {
    const exitCode = await runCommand(command, isNamed ? rest : process.argv.slice(2), commands, environment);
    if (exitCode !== undefined) process.exitCode = exitCode;
  }
}
