/** Writers, readers that are killed and started again, and wakes that cannot be relied upon; each in a process of its own. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '#test/support/processes.ts';
import { Acknowledged, Reached } from './messages.ts';
import type { ReaderWork } from './messages.ts';

export type Plan = {
  readonly env: Readonly<Record<string, string>>;
  readonly appends: number;
  readonly writers: number;
  readonly program: 'log-reader.ts' | 'index-reader.ts';
  readonly readers: readonly Omit<ReaderWork, 'diesAtCommit'>[];
  /** How many effects all readers together come to when nothing is missed. */
  readonly complete: (acknowledged: readonly Acknowledged[]) => number;
  /** So long after the last effect of a reader and the last append of a writer, nothing more is expected. */
  readonly quietMs: number;
};

const start = (program: string, work: object, env: Plan['env']): ChildProcess =>
  fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(work)], {
    env: { ...process.env, ...env },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const between = (low: number, high: number): number => low + Math.floor(Math.random() * (high - low + 1));

/** Every reader dies this often: by turns at the worst moment, and at any moment. */
const deathsMax = 6;

/** A reader that is started again whenever it has died. */
const keepReading = ({ env, program, appends, readers }: Plan, work: Plan['readers'][number]) => {
  const effectsPerLife = Math.ceil((2 * appends) / (readers.length * deathsMax));
  const seen = { effects: 0, deaths: 0, newsAt: performance.now(), fault: '' };
  let isOver = false;

  const live = (): ChildProcess => {
    const dies = seen.deaths < deathsMax;
    const atWorst = seen.deaths % 2 === 0;
    const killAt = seen.effects + between(1, effectsPerLife);
    const born = start(program, { ...work, ...(dies && atWorst && { diesAtCommit: between(1, 30) }) }, env);
    born.on('message', (message) => {
      seen.effects = Reached.parse(message).effects;
      seen.newsAt = performance.now();
      if (dies && !atWorst && seen.effects >= killAt) setTimeout(() => born.kill('SIGKILL'), between(0, 20));
    });
    born.once('exit', (code, signal) => {
      if (isOver) return;
      if (signal !== 'SIGKILL') seen.fault = `a reader ended by itself, with ${String(code ?? signal)}`;
      seen.deaths += 1;
      child = live();
    });
    return born;
  };
  let child = live();
  return {
    seen,
    wake: (wake: Acknowledged): void => {
      if (child.connected) child.send(wake, () => undefined);
    },
    end: async (): Promise<void> => {
      isOver = true;
      const exited = once(child, 'exit');
      if (child.kill('SIGKILL')) await exited;
    },
  };
};
type Reading = ReturnType<typeof keepReading>;

/** Three of ten wakes are lost, two are sent twice, two are late. */
const wakeSomehow = (reading: Reading, wake: Acknowledged): void => {
  const fate = Math.random();
  if (fate < 0.3) return;
  if (fate < 0.5) reading.wake(wake);
  if (fate < 0.7) setTimeout(() => reading.wake(wake), between(1, 50));
  else reading.wake(wake);
};

/** Resolves when the readers have everything, or nothing more comes, with every append that was acknowledged. */
export const run = async (plan: Plan) => {
  const acknowledged: Acknowledged[] = [];
  const readings = plan.readers.map((work) => keepReading(plan, work));
  const shares = Array.from({ length: plan.writers }, (_, nth) => Math.floor((plan.appends + nth) / plan.writers));
  const writers = shares.map((appends) => start('writer.ts', { appends, atOnce: 8 }, plan.env));
  let newsAt = performance.now();
  const written = writers.map(async (writer) => {
    writer.on('message', (message) => {
      const wake = Acknowledged.parse(message);
      newsAt = performance.now();
      acknowledged.push(wake);
      for (const reading of readings) wakeSomehow(reading, wake);
    });
    await Promise.all([once(writer, 'exit'), once(writer, 'disconnect')]);
    assert.equal(writer.exitCode, 0, 'a writer failed');
  });
  const isOver = (): boolean => {
    for (const { seen } of readings) assert.equal(seen.fault, '');
    const effects = readings.reduce((sum, { seen }) => sum + seen.effects, 0);
    const quietSince = Math.max(newsAt, ...readings.map(({ seen }) => seen.newsAt));
    return effects >= plan.complete(acknowledged) || performance.now() - quietSince > plan.quietMs;
  };
  try {
    await Promise.all(written);
    await until(isOver, 'the readers come to no end', 60_000);
  } finally {
    for (const writer of writers) writer.kill('SIGKILL');
    await Promise.all(readings.map(({ end }) => end()));
  }
  return { acknowledged, deaths: readings.reduce((sum, { seen }) => sum + seen.deaths, 0) };
};
