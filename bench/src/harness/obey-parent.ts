/** The other end of {@link ControlledProcess}: a process that answers its parent's commands, and ends with it. */

/** @param obey its reply answers the command; what it throws is told to the parent, as text */
export function obeyParent<Command, Reply extends object>(obey: (command: Command) => Promise<Reply>): void {
  process.on('message', (command: Command) => {
    obey(command).then(
      (reply) => process.send?.(reply),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}
