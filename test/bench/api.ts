/** The API as a process of its own, as it runs everywhere, and allowed to take whatever a benchmark sends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Aws } from '#test/support/aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { freePort, temporaryDir } from '#test/support/system.ts';

const main = fileURLToPath(new URL('../../services/api/main.ts', import.meta.url));

export type ApiProcess = AsyncDisposable & { readonly url: string; readonly key: string; readonly pid: number };

export type ApiProcessOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
};

const unlimited = {
  ...{ RATE_PER_SECOND: '1000000', PENDING_MAX: '10000000' },
  ...{ SHUTDOWN_GRACE_MS: '1000', STOP_WITH_PARENT: '1' },
};

export const startApiProcess = async (
  aws: Pick<Aws, 'env'>,
  { env = {}, execArgv = [] }: ApiProcessOptions = {},
): Promise<ApiProcess> => {
  await using opened = new AsyncDisposableStack();
  const dir = opened.use(await temporaryDir());
  const port = await freePort();
  // Its log goes to a file, as with `make run`: to write it is a part of the work.
  const log = opened.adopt(openSync(join(dir.path, 'api.log'), 'a'), closeSync);
  const child = spawn(process.execPath, [...execArgv, main], {
    env: { ...process.env, ...aws.env, ...unlimited, DATA_DIR: dir.path, API_PORT: String(port), ...env },
    // Its input closes with us, by whatever cause we end.
    stdio: ['pipe', log, log],
  });
  const exited = once(child, 'exit');
  opened.defer(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const url = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<true | undefined> => {
    if (child.exitCode !== null) throw new Error(await readFile(join(dir.path, 'api.log'), 'utf8'));
    const ready = await fetch(`${url}/ready`).catch(() => undefined);
    return ready?.ok === true ? true : undefined;
  };
  await eventually(isReady, 'the API was not ready in time', 60_000);
  const key = (await readFile(join(dir.path, 'admin.key'), 'utf8')).trim();
  const held = opened.move();
  return { url, key, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => held.disposeAsync() };
};
