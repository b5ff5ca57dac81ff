/** Writes the facts of tasks as a worker does: each append is announced to every instance. */
import { z } from 'zod';
import { readConfig, storeConfig } from '#platform/config.ts';
import { connect } from '#platform/connect.ts';
import { silent } from '#platform/log.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { answerJobs } from '../child.ts';
import { machineMs } from '../clock.ts';
import { reportingTask } from '../recorded.ts';
import type { AppendArguments } from '../recorded.ts';

const { store } = await connect(
  { service: 'bench', instanceId: uuidv7(Date.now()) },
  readConfig(storeConfig, process.env),
  silent,
);
let left: AppendArguments[] = [];

const writeNext = async (): Promise<void> => {
  const next = left.shift();
  if (next === undefined) throw new Error('more is written than was prepared');
  const { outcome } = await store.append(...next);
  if (outcome !== 'appended') throw new Error(`an append was ${outcome}`);
};

answerJobs({
  /** Submits and starts a task that so many reports can be written of, and says which stream it is. */
  open: async (input) => {
    left = await reportingTask(z.int().parse(input), Date.now());
    const [stream] = left[0] ?? [];
    await writeNext();
    await writeNext();
    return stream;
  },
  /** When the append began and when it was answered. */
  write: async () => {
    const beganAt = machineMs();
    await writeNext();
    return { beganAt, endedAt: machineMs() };
  },
  writeAll: async () => {
    while (left.length > 0) await writeNext();
  },
});
