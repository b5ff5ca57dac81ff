/** Inside a service: every call that leaves the process is a point before it and a point after it, and at an armed one the process kills itself. */
import { appendFileSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { descendantsOf } from '#test/support/system.ts';
import { armedFile, firedFile, pointsFile } from '../control.ts';
import type { Fired } from '../control.ts';
import { livesOf } from '../lives.ts';

const [, main = ''] = process.argv;
/** `api`, `worker` or `projector`. */
export const service = basename(dirname(main));
export const controlDir = process.env['KILL_CONTROL'] ?? '';

const paths = {
  armed: join(controlDir, armedFile(service)),
  fired: join(controlDir, firedFile(service)),
  points: join(controlDir, pointsFile(service)),
};
const seen = new Set<string>();

/** What is armed is a file, so that it is taken by one process only and outlives whoever wrote it. */
const isArmed = (point: string): boolean => {
  try {
    return readFileSync(paths.armed, 'utf8') === point;
  } catch {
    return false;
  }
};

/** Nothing runs after it: not another line of the process, not a `finally`. */
const die = (point: string): void => {
  const fired: Fired = { point, pid: process.pid, at: Date.now(), below: livesOf(descendantsOf(process.pid)) };
  try {
    renameSync(paths.armed, `${paths.armed}.${process.pid}`);
  } catch {
    return;
  }
  appendFileSync(paths.fired, `${JSON.stringify(fired)}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

export const pass = (name: string): void => {
  const point = `${service} ${name}`;
  if (!seen.has(point)) {
    seen.add(point);
    appendFileSync(paths.points, `${point}\n`);
  }
  if (isArmed(point)) die(point);
};

/** `name` is that of the port and its method, with what tells one use of it from another. */
export const passing = async <Answer>(name: string, call: () => Promise<Answer>): Promise<Answer> => {
  pass(`${name} before`);
  try {
    return await call();
  } finally {
    pass(`${name} after`);
  }
};
