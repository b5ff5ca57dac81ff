/** The command line `kiro-dispatch`: the only file here that knows the process it runs in. */
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import { liveDefaults } from './live.ts';
import { run } from './program.ts';

/** 128 + SIGPIPE: whoever read our output has gone, as `head` does. */
const brokenPipe = 141;

const stop = new AbortController();
// Again and again: by Ctrl-C a terminal tells the launcher and us, and the launcher tells us as well.
process.on('SIGINT', () => stop.abort());
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(brokenPipe));

const code = await run(process.argv.slice(2), process, {
  env: process.env,
  readInput: () => text(addAbortSignal(stop.signal, process.stdin)),
  clock: Date.now,
  live: liveDefaults,
  patienceMs: 10_000,
  stop: stop.signal,
});
process.exit(code);
