/** `chaos <test> [options]`: the long form of what `npm test` does in a short one. */
import { hasRedisServer } from '@im/test-servers';
import { ledgerCommand } from './ledger-command.js';
import { talkCommand } from './talk/talk-command.js';

const USAGE = `Usage: chaos ledger | talk [options]

  ledger  rooms and pushes, while processes are killed, added and removed
  talk    private and group chat, over a network that delays and cuts

  chaos <test> --help says more.
`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  ledger: ledgerCommand,
  talk: talkCommand,
};

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command === undefined) {
    const isHelp = name === '--help' || name === '-h';
    (isHelp ? process.stdout : process.stderr).write(USAGE);
    return isHelp ? 0 : 2;
  }
  if (!hasRedisServer) {
    process.stderr.write('chaos: needs redis-server\n');
    return 1;
  }
  return command(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
