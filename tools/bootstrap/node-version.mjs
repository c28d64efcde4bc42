/** Owns: refusing a Node that is too old, in one clear line. Import it first: it must parse on any Node with modules. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node 20.19 or newer is needed; this is ${process.version} (${process.execPath}).\n`);
  process.exit(1);
}
