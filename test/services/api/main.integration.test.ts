import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { openClient } from './live/client.ts';

const programOf = (name: string): string => fileURLToPath(new URL(`../../../services/api/${name}`, import.meta.url));

/** A program of the API with nothing in its environment but what it is given. */
const run = (name: string, env: Readonly<Record<string, string>>, ...args: string[]) => {
  const child = spawn(process.execPath, [programOf(name), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit').then(([code]: unknown[]) => code);
  return { child, exited, out: text(child.stdout), err: text(child.stderr) };
};

/** A port that nobody uses now. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return z.object({ port: z.int() }).parse(address).port;
};

const Accepted = z.object({ taskId: z.uuid() });

describe('the API as a process', () => {
  let aws: Aws;
  let dataDir: string;
  before(async () => {
    aws = await startAws();
    dataDir = await mkdtemp(join(tmpdir(), 'api-'));
  });
  after(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true });
  });

  const start = async (more: Readonly<Record<string, string>> = {}) => {
    const port = await freePort();
    const program = run('main.ts', { ...aws.env, DATA_DIR: dataDir, API_PORT: String(port), ...more });
    const url = `http://127.0.0.1:${port}`;
    const ready = async () => (await fetch(`${url}/ready`).catch(() => undefined))?.ok === true || undefined;
    const over = program.exited.then(async (code) => {
      throw new Error(`it exited with ${String(code)}: ${await program.err}`);
    });
    await Promise.race([eventually(ready, 'the API was not ready', 30_000), over]);
    over.catch(() => undefined);
    return {
      ...program,
      url,
      [Symbol.asyncDispose]: async () => {
        program.child.kill('SIGKILL');
        await program.exited;
      },
    };
  };
  const adminKey = async () => (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  const submit = async (url: string, key: string) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/chat`, { method: 'POST', headers, body: '{"message":"x"}' });
    assert.equal(answer.status, 202, await answer.clone().text());
    return Accepted.parse(await answer.json()).taskId;
  };

  it('submits, shows live on another instance, survives kill -9 without losing what it accepted, and stops with exit 0', async () => {
    await using one = await start();
    const key = await adminKey();
    const taskId = await submit(one.url, key);
    await using two = await start();
    const live = `${two.url.replace('http', 'ws')}/api/live`;
    const client = await openClient(live, { authorization: `Bearer ${key}` });
    client.say({ type: 'subscribe', stream: `task/${taskId}` });
    assert.deepEqual([(await client.hear()).version, (await client.hear()).type], [1, 'live']);
    const headers = { authorization: `Bearer ${key}` };
    assert.equal((await fetch(`${one.url}/api/task/${taskId}/cancel`, { method: 'POST', headers })).status, 202);
    assert.deepEqual([(await client.hear()).version, (await client.hear()).version], [2, 3]);
    one.child.kill('SIGKILL');
    await one.exited;
    assert.equal((await fetch(`${two.url}/api/task/${taskId}`, { headers })).status, 200);
    const before = performance.now();
    two.child.kill('SIGTERM');
    assert.equal((await client.closed).code, 1012);
    assert.equal(await two.exited, 0);
    assert.ok(performance.now() - before < 10_000);
    assert.equal(await two.err, '');
  });

  it('lets in who was given a key by the command', async () => {
    await using api = await start();
    const issued = run('issue-key.ts', { ...aws.env }, '--name', 'alice', '--role', 'member');
    assert.equal(await issued.exited, 0, await issued.err);
    await submit(api.url, (await issued.out).trim());
    const wrong = run('issue-key.ts', { ...aws.env }, '--name', 'alice', '--role', 'king');
    assert.equal(await wrong.exited, 64);
    assert.match(await wrong.err, /^usage: /);
  });

  it('says all that is wrong with its configuration at once, and exits with 78', async () => {
    const env = { API_PORT: 'x', TASK_TIMEOUT_MS: '5', ALLOWED_ORIGINS: 'https://a.example/path' };
    const program = run('main.ts', env);
    assert.equal(await program.exited, 78);
    const said = await program.err;
    for (const name of Object.keys(env)) assert.match(said, new RegExp(`^  ${name}.*: `, 'm'));
  });

  it('says that its port is taken, and exits with 1', async () => {
    await using api = await start();
    const { port } = new URL(api.url);
    const second = run('main.ts', { ...aws.env, DATA_DIR: dataDir, API_PORT: port });
    assert.equal(await second.exited, 1);
    assert.equal(await second.err, `port ${port} on 127.0.0.1 is in use by another program\n`);
  });
});
