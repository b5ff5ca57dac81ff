/** Whether a service lives and whether it can work: the answers, and a small server for services that have no other. */
import { Hono } from 'hono';
import { setTimeout as delay } from 'node:timers/promises';
import packageJson from '../../../package.json' with { type: 'json' };
import { listen } from './listen.ts';
import type { Listening } from './listen.ts';

/** Resolves when the dependency answers. */
export type Check = (signal: AbortSignal) => Promise<unknown>;
export type Checks = { readonly [dependency: string]: Check };

export type Failing = { readonly dependency: string; readonly reason: string };

const checkMs = 1_000;

const reasonOf = (fault: unknown): string => {
  if (!(fault instanceof Error)) return String(fault);
  return fault.cause === undefined ? fault.message : `${fault.message}: ${reasonOf(fault.cause)}`;
};

/** The dependencies that fail, or do not answer within a second; all are asked at once. */
export const failing = async (checks: Checks): Promise<Failing[]> => {
  const asked = Object.entries(checks).map(async ([dependency, check]): Promise<Failing[]> => {
    const limit = new AbortController();
    const late = delay(checkMs, [{ dependency, reason: `no answer within ${checkMs} ms` }], { signal: limit.signal });
    late.catch(() => undefined);
    const answered = check(AbortSignal.timeout(checkMs)).then(
      () => [],
      (fault: unknown) => [{ dependency, reason: reasonOf(fault) }],
    );
    const answer = await Promise.race([answered, late]);
    limit.abort();
    return answer;
  });
  return (await Promise.all(asked)).flat();
};

const bornAt = performance.now();

/** What `/health` says of every service: it asks nobody, so it tells whether the process answers, and nothing else. */
export const vitals = () => ({
  status: 'ok' as const,
  version: packageJson.version,
  uptimeSeconds: Math.floor((performance.now() - bornAt) / 1000),
});

export type HealthServer = {
  readonly host: string;
  readonly port: number;
  /** Numbers that the service adds to `/health`. */
  readonly numbers: () => Readonly<Record<string, unknown>>;
  readonly checks: Checks;
};

/** `/health` and `/ready` on a port of their own, for the supervisor of the process; nothing secret is told, so nobody is asked for a key. */
export const serveHealth = ({ host, port, numbers, checks }: HealthServer): Promise<Listening> => {
  const app = new Hono();
  app.get('/health', (c) => c.json({ ...vitals(), ...numbers() }));
  app.get('/ready', async (c) => {
    const faults = await failing(checks);
    if (faults.length === 0) return c.json({ status: 'ready' });
    return c.json({ status: 'unavailable', failing: faults.map(({ dependency }) => dependency) }, 503);
  });
  return listen(app, { host, port, drainMs: 1_000 });
};
