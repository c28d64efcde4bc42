#!/usr/bin/env node
/** The `im` command: finds the subcommand and runs it. */
import { nearestName } from '@im/runtime';
import { type Environment, runCommand } from './command.js';
import { bots } from './commands/bots.js';
import { bridge } from './commands/bridge.js';
import { broadcastNode } from './commands/broadcast-node.js';
import { broker } from './commands/broker.js';
import { down } from './commands/down.js';
import { drain } from './commands/drain.js';
import { gateway } from './commands/gateway.js';
import { keys } from './commands/keys.js';
import { manager } from './commands/manager.js';
import { push } from './commands/push.js';
import { bench } from './commands/rpc/bench.js';
import { call } from './commands/rpc/call.js';
import { services, stats, workers } from './commands/rpc/listing.js';
import { tap } from './commands/rpc/tap.js';
import { weights } from './commands/rpc/weights.js';
import { scale } from './commands/scale.js';
import { serve } from './commands/serve.js';
import { start } from './commands/start.js';
import { status } from './commands/status.js';
import { token } from './commands/token.js';
import { up } from './commands/up.js';
import { update } from './commands/update.js';
import { worker } from './commands/worker.js';

const rpc = [services, workers, stats, call, tap, bench, weights];
const commands = [
  start,
  serve,
  up,
  status,
  scale,
  drain,
  update,
  down,
  ...rpc,
  broker,
  broadcastNode,
  bridge,
  gateway,
  worker,
  manager,
  keys,
  bots,
  push,
  token,
];

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

const args = process.argv.slice(2);
const [first = '', second = ''] = args;
if (['--help', '-h', 'help'].includes(first)) {
  environment.print(usage);
} else {
  const isNamed = first !== '' && !first.startsWith('-');
  // `im rpc call` is a command of two words.
  const named = [`${first} ${second}`, first].map((name) => commands.find((command) => command.name === name));
  const command = isNamed ? (named[0] ?? named[1]) : start;
  if (command === undefined) {
    const isGroup = commands.some(({ name }) => name.startsWith(`${first} `));
    if (isGroup && ['', '--help', '-h'].includes(second)) environment.print(usage);
    else {
      const name = isGroup ? `${first} ${second}` : first;
      const nearest = nearestName(
        name,
        commands.map((known) => known.name),
      );
      environment.printError(
        `im: unknown command ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}\n${usage}`,
      );
      process.exitCode = 64;
    }
  } else {
    const words = isNamed ? command.name.split(' ').length : 0;
    const exitCode = await runCommand(command, args.slice(words), commands, environment);
    if (exitCode !== undefined) process.exitCode = exitCode;
  }
}
