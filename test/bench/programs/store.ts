/** Writes to the store, through `append` or as the raw transactions that `append` would send, prepared before the clock starts. */
import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { TransactWriteItemsCommandInput } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { namesOf } from '#platform/names.ts';
import { answerJobs } from '../child.ts';
import { closedLoop, Load } from '../load.ts';
import { recorder, reportingTask, submittedTask } from '../recorded.ts';
import type { AppendArguments } from '../recorded.ts';

const shards = 16;
const names = namesOf(process.env['RESOURCE_PREFIX'] ?? '');
const client = dynamoClient();
const store = dynamoStore({ client, names, shards, clock: Date.now });
const recording = recorder(names, shards);

/** `times`: how many transactions are sent for one, to see that the table shows it. */
const Job = Load.extend({ of: z.enum(['submit', 'report']), times: z.int().positive().default(1) });
type Job = z.infer<typeof Job>;

type Prepared = { readonly before: readonly AppendArguments[]; readonly appends: readonly AppendArguments[] };

/** What one worker appends, and what must be there before. */
const share = async ({ of, operations, concurrency, times }: Job): Promise<Prepared> => {
  const count = (operations / concurrency) * times;
  if (of === 'report') {
    const all = await reportingTask(count, Date.now());
    return { before: all.slice(0, 2), appends: all.slice(2) };
  }
  const tasks = Array.from({ length: count }, () => submittedTask(Date.now()));
  return { before: [], appends: (await Promise.all(tasks)).flat() };
};

const shares = (job: Job): Promise<Prepared[]> =>
  Promise.all(Array.from({ length: job.concurrency }, () => share(job)));

const given = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('more is measured than was prepared');
  return value;
};

answerJobs({
  append: async (input) => {
    const job = Job.parse(input);
    const prepared = await shares(job);
    for (const append of prepared.flatMap(({ before }) => before)) await store.append(...append);
    return closedLoop(job, async (worker, nth) => {
      const { outcome } = await store.append(...given(prepared[worker]?.appends[nth]));
      if (outcome !== 'appended') throw new Error(`an append was ${outcome}`);
    });
  },
  transact: async (input) => {
    const job = Job.parse(input);
    const prepared: TransactWriteItemsCommandInput[][] = [];
    for (const { before, appends } of await shares(job)) {
      for (const transaction of await recording.transactionsOf(before))
        await client.send(new TransactWriteItemsCommand(transaction));
      prepared.push(await recording.transactionsOf(appends));
    }
    return closedLoop(job, async (worker, nth) => {
      for (let time = 0; time < job.times; time += 1)
        await client.send(new TransactWriteItemsCommand(given(prepared[worker]?.[nth * job.times + time])));
    });
  },
});
