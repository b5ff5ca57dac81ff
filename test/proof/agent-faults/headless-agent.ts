/** An agent for one turn, as `kiro-cli chat --output-format stream-json` is one: the prompt on its input, records on its output. It plays some faults of the demo agent. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

const prompt = await text(process.stdin);
const [, name = '', amount = '1'] = /^behave: ([a-z0-9-]+)(?::(\d+))?$/m.exec(prompt) ?? [];
const mebibyte = 1024 * 1024;
const sessionId = 'headless';

const write = (bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
const record = (type: string, data: object) => write(`${JSON.stringify({ type, data: { sessionId, ...data } })}\n`);
const say = (said: string) =>
  record('sessionUpdate', { update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: said } } });
const hang = () => new Promise<never>(() => setInterval(() => undefined, 60_000));
const leave = (command: string) => spawn('sh', ['-c', command], { stdio: 'ignore', detached: true }).unref();

const faults: Readonly<Record<string, () => unknown>> = {
  'killed-mid-result': () => process.kill(process.pid, 'SIGKILL'),
  'hangs-silent': hang,
  'ignores-sigterm': () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
    return hang();
  },
  'setsid-orphan': () => leave('exec sleep 600'),
  daemonises: () => leave('cd /; sleep 600 & exit 0'),
  'floods-lines': async () => {
    const lines = Buffer.from('all work and no play makes a very dull line of output, said Jack.....\n'.repeat(15_000));
    for (let left = Number(amount) * mebibyte; left > 0; left -= lines.length) await write(lines);
  },
  'floods-one-line': async () => {
    for (let left = Number(amount); left > 0; left -= 1) await write(Buffer.alloc(mebibyte, 'x'));
    await write('\n');
  },
  'invalid-json': () => write('{"type":"sessionUpdate",\n{"type":7}\n{}\nnull\n[]\nWARN this is a log line\n'),
};

const [, code] = /^exit-(\d+)-after-prompt$/.exec(name) ?? [];
if (code !== undefined) process.exit(Number(code));
await say('an honest ');
await faults[name]?.();
await say('answer\nI wrote nothing.');
await record('runFinished', { status: 'success', stopReason: 'end_turn' });
