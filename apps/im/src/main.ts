#!/usr/bin/env node
const usage = `im: instant messaging for live-streaming rooms

Usage: im [options]

  --help   print this text
`;

process.stdout.write(usage);
