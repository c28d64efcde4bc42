/** Owns: what a subcommand is, and running one: help, configuration, and errors as one line each with an exit code. */
import { ImError } from '@im/protocol';
import {
  asksForHelp,
  type Config,
  ConfigError,
  DataFolderError,
  EXIT_NOT_RESTARTABLE,
  EXIT_UNAVAILABLE,
  helpText,
  readConfig,
  type Settings,
} from '@im/runtime';

export interface Command<Declared extends Settings = Settings> {
  /** `serve` of `im serve`. */
  readonly name: string;
  readonly summary: string;
  readonly settings: Declared;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Settles when the command is done, or what it started runs. */
  run(config: Config<Declared>, environment: Environment): Promise<void>;
}

export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  print(text: string): void;
  printError(text: string): void;
}

/** A failure that is told in the words of its message and nothing else. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    /** {@link EXIT_NOT_RESTARTABLE} where starting again is of no use, {@link EXIT_UNAVAILABLE} where it is later. */
    readonly exitCode: number = EXIT_NOT_RESTARTABLE,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** For `catch`: what is wrong in one line, with what to change. @throws CommandError for an ImError, others as they are */
export function namingFlags(flags: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof ImError ? asCommandError(error, `${error.message} (${flags})`) : error;
  };
}

/** Of a process that cannot begin: what may be over later is worth another try. */
export function asCommandError(error: ImError, message: string = error.message): CommandError {
  return new CommandError(message, error.retryable ? EXIT_UNAVAILABLE : EXIT_NOT_RESTARTABLE, { cause: error });
}

/** Ties settings and `run` together, so that each sees the other's types. */
export function defineCommand<Declared extends Settings>(command: Command<Declared>): Command {
  return command;
}

/** @param siblings whose variables and file entries are no mistakes here @returns the exit code; undefined when done or running */
export async function runCommand(
  command: Command,
  args: readonly string[],
  siblings: readonly Command[],
  environment: Environment,
): Promise<number | undefined> {
  if (asksForHelp(args)) {
    environment.print(helpText({ ...command, name: `im ${command.name}` }));
    return undefined;
  }
  try {
    const alsoKnown: Settings = Object.assign({}, ...siblings.map(({ settings }) => settings));
    const config = readConfig(command.settings, {
      arguments: args,
      environment: environment.variables,
      alsoKnown,
    });
    await command.run(config, environment);
    return undefined;
  } catch (error) {
    return report(error, command, environment);
  }
}

function report(error: unknown, { name }: Command, { printError }: Environment): number {
  if (error instanceof ConfigError) {
    printError(`im ${name}: ${error.message}\nTry: im ${name} --help\n`);
    return EXIT_NOT_RESTARTABLE;
  }
  if (error instanceof CommandError || error instanceof DataFolderError) {
    const flag = error instanceof DataFolderError ? ' (--data)' : '';
    printError(`im ${name}: ${error.message}${flag}\n`);
    return error instanceof CommandError ? error.exitCode : EXIT_NOT_RESTARTABLE;
  }
  printError(`im ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}
