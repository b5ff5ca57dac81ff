/** `make run` as a person and the operating system treat it, with tiny services. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { carriersOf, until } from '#test/support/processes.ts';
import { tinyDir } from './programs/tiny.ts';
import { startTinySystem } from './tiny-system.ts';
import type { TinySystem } from './tiny-system.ts';

const withDataDir = () => mkdtempDisposable(join(tmpdir(), 'make-run-'));

/** The processes on this data that have `text` in their environment. */
const partsOf = (dataDir: string, text: string): number[] => {
  const carriers = carriersOf(text);
  return carriersOf(dataDir).filter((pid) => carriers.includes(pid));
};

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'latin1');

const names = ['api', 'worker', 'projector'];

describe('a running system', () => {
  const longLogBytes = 10 * 1_048_576 + 1;
  let directory: Awaited<ReturnType<typeof withDataDir>>;
  let system: TinySystem;
  before(async () => {
    directory = await withDataDir();
    mkdirSync(join(directory.path, 'logs'));
    const log = join(directory.path, 'logs', 'aws.log');
    writeFileSync(log, '', { mode: 0o600 });
    truncateSync(log, longLogBytes);
    // A person whose AWS settings allow no addresses but AWS's own.
    mkdirSync(join(directory.path, '.aws'));
    writeFileSync(join(directory.path, '.aws', 'config'), '[default]\nuse_fips_endpoint = true\n');
    system = await startTinySystem(directory.path, { HOME: directory.path });
    await system.ready();
  });
  after(async () => {
    await system[Symbol.asyncDispose]();
    await directory.remove();
  });

  it('tells where everything is', () => {
    const said = system.output();
    for (const part of [system.url, `${system.url}/docs`, join(directory.path, 'admin.key'), 'Agent    sh']) {
      assert.ok(said.includes(part), `${part} is missing in ${said}`);
    }
  });

  it('keeps what its services log in files that only their owner reads, and begins a new one beside one that is long', () => {
    const log = join(directory.path, 'logs', 'aws.log');
    assert.match(readFileSync(log, 'utf8'), /^\{"level":"info".*"event":"aws.started"\}\n$/);
    assert.equal(statSync(`${log}.1`).size, longLogBytes);
    for (const name of readdirSync(join(directory.path, 'logs'))) {
      assert.equal(statSync(join(directory.path, 'logs', name)).mode & 0o777, 0o600, name);
    }
  });

  it('holds its data: another one says who has them and leaves them alone', async () => {
    await using second = await startTinySystem(directory.path);
    assert.equal(await second.exited, 1);
    const said = new RegExp(`^kiro-dispatch is already running on .* \\(pid ${system.pid}, since .*\\)\\.\n$`);
    assert.match(second.output(), said);
    assert.ok((await fetch(`${system.url}/ready`)).ok);
  });

  it('starts a service again that was killed, and tells so', async () => {
    const { pid } = await system.service('worker');
    process.kill(pid, 'SIGKILL');
    assert.notEqual((await system.service('worker', pid)).pid, pid);
    assert.match(system.output(), /worker ended by SIGKILL and is started again in 100 ms/);
  });

  it('starts the engine and the queues again, where they were', async () => {
    const { env } = await system.service('worker');
    const [aws = 0] = partsOf(directory.path, 'QUEUES_PORT=');
    const engine = carriersOf(directory.path).find((pid) => commandOf(pid).includes('dynoxide'));
    assert.ok(engine);
    for (const [name, pid] of [
      ['aws', aws],
      ['engine', engine],
    ] as const) {
      process.kill(pid, 'SIGKILL');
      await until(() => system.output().includes(`${name} ended by SIGKILL`), `nobody noticed that ${name} is gone`);
    }
    for (const name of ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_SQS', 'AWS_ENDPOINT_URL']) {
      await eventually(() => fetch(env[name] ?? '').catch(() => undefined), `${name} does not answer`);
    }
  });

  it('goes on when nobody reads any more what it prints', async () => {
    system.stopReading();
    const { pid } = await system.service('projector');
    process.kill(pid, 'SIGKILL');
    await system.service('projector', pid);
    assert.ok((await fetch(`${system.url}/ready`)).ok);
  });
});

describe('the system', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`ended from its terminal by ${signal} stops its services one after the other, leaves nothing running, exits with 0`, async () => {
      await using directory = await withDataDir();
      await using system = await startTinySystem(directory.path);
      await system.ready();
      for (const name of names) await system.service(name);
      system.signal(signal);
      assert.equal(await system.exited, 0, system.output());
      assert.deepEqual(
        system.order().filter((line) => line.includes('stopped')),
        names.map((name) => `${name} stopped by Error: stopped: SIGTERM`),
      );
      // The engine and the queues served the services to their end.
      assert.doesNotMatch(system.output(), / ended /);
      assert.deepEqual(carriersOf(directory.path), []);
    });
  }

  it('asked to stop while it starts, stops as well', async () => {
    await using directory = await withDataDir();
    await using system = await startTinySystem(directory.path);
    await until(() => partsOf(directory.path, 'QUEUES_PORT=').length > 0, 'nothing was started');
    system.signal('SIGTERM');
    assert.equal(await system.exited, 0, system.output());
    assert.deepEqual(carriersOf(directory.path), []);
  });

  it('ends with 78 and the words of a service that cannot work with its configuration', async () => {
    await using directory = await withDataDir();
    mkdirSync(tinyDir(directory.path));
    writeFileSync(join(tinyDir(directory.path), 'worker-exits'), '78');
    await using system = await startTinySystem(directory.path);
    assert.equal(await system.exited, 78);
    assert.match(system.output(), /worker cannot start:\n {2}worker was told to end\n/);
    assert.deepEqual(carriersOf(directory.path), []);
  });

  it('killed, leaves nothing running, and the next start is a good one', async () => {
    await using directory = await withDataDir();
    {
      await using system = await startTinySystem(directory.path);
      await system.ready();
      for (const name of names) await system.service(name);
      system.signal('SIGKILL');
      await system.exited;
      await until(() => carriersOf(directory.path).length === 0, 'something outlived it');
    }
    await using system = await startTinySystem(directory.path);
    await system.ready();
  });

  it('killed together with a service that does not notice, ends that service at the next start', async () => {
    await using directory = await withDataDir();
    await using first = await startTinySystem(directory.path);
    await first.ready();
    const { pid } = await first.service('worker');
    process.kill(pid, 'SIGSTOP');
    first.signal('SIGKILL');
    await first.exited;
    await using second = await startTinySystem(directory.path);
    await second.ready();
    assert.notEqual((await second.service('worker', pid)).pid, pid);
    assert.equal(carriersOf(directory.path).includes(pid), false);
  });
});

describe('the system does not start', () => {
  it('on a port that is taken', async () => {
    await using directory = await withDataDir();
    await using server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const API_PORT = typeof address === 'object' ? String(address?.port) : '';
    await using system = await startTinySystem(directory.path, { API_PORT });
    assert.equal(await system.exited, 1);
    assert.equal(system.output(), `Port ${API_PORT} is in use by another program; choose one with API_PORT.\n`);
  });

  it('where it cannot write', async () => {
    await using directory = await withDataDir();
    const file = join(directory.path, 'a-file');
    writeFileSync(file, '');
    await using system = await startTinySystem(join(file, 'data'));
    assert.equal(await system.exited, 1);
    assert.match(system.output(), /^DATA_DIR .*a-file\/data cannot be written: .*ENOTDIR.*\n$/);
  });

  for (const [command, remedy] of [
    ['kiro-cli acp', 'kiro-cli, which is not installed: install Kiro'],
    ['"/no such/agent" acp', '/no such/agent, which is not installed: check its name'],
  ] as const) {
    it(`without the agent it was told to use: ${command}`, async () => {
      await using directory = await withDataDir();
      await using system = await startTinySystem(directory.path, { AGENT_COMMAND: command, PATH: '/nowhere' });
      assert.equal(await system.exited, 1);
      assert.ok(system.output().startsWith(`AGENT_COMMAND names ${remedy}`), system.output());
    });
  }

  it('with a bad configuration, of its own or of a service, and tells all faults at once', async () => {
    await using directory = await withDataDir();
    const env = {
      ...{ API_PORT: '99999', RESOURCE_PREFIX: 'Kiro!', DYNAMODB_ENDPOINT: 'here', AGENT_COMMAND: '"open' },
      SESSIONS_MAX: 'many',
    };
    await using system = await startTinySystem(directory.path, env);
    assert.equal(await system.exited, 78);
    for (const name of Object.keys(env)) assert.match(system.output(), new RegExp(`^ {2}${name}: .+$`, 'm'));
  });

  it('on a DynamoDB that does not answer', async () => {
    await using directory = await withDataDir();
    await using system = await startTinySystem(directory.path, { DYNAMODB_ENDPOINT: 'http://127.0.0.1:9' });
    assert.equal(await system.exited, 1);
    assert.equal(system.output(), 'DYNAMODB_ENDPOINT http://127.0.0.1:9 does not answer.\n');
    assert.deepEqual(carriersOf(directory.path), []);
  });
});
