/** A process of the benchmark, so that what is measured shares its event loop with nobody: it is asked for work, one job at a time. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const Job = z.object({ job: z.string(), input: z.unknown() });
const Answer = z.union([z.object({ answer: z.unknown() }), z.object({ fault: z.string() })]);

export type Child = AsyncDisposable & {
  readonly pid: number;
  readonly ask: <Value>(job: string, input: unknown, answer: z.ZodType<Value>) => Promise<Value>;
};

/** `program` is a file in `programs/`, which answers with `answerJobs`. */
export const startChild = (program: string, env: NodeJS.ProcessEnv = {}, execArgv: readonly string[] = []): Child => {
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
  const child = fork(file, { env: { ...process.env, ...env }, execArgv: [...execArgv], serialization: 'advanced' });
  const exited = once(child, 'exit');
  const ended = exited.then(() => {
    throw new Error(`${program} ended in the middle of its work`);
  });
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ask: async (job, input, schema) => {
      const answered = once(child, 'message');
      child.send({ job, input });
      const heard: unknown[] = await Promise.race([answered, ended]);
      const answer = Answer.parse(heard[0]);
      if ('fault' in answer) throw new Error(`${program} failed at ${job}: ${answer.fault}`);
      return schema.parse(answer.answer);
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await exited;
    },
  };
};

export type Jobs = Readonly<Record<string, (input: unknown) => Promise<unknown>>>;

/** For the program itself; it ends when nobody can ask it any more. */
export const answerJobs = (jobs: Jobs): void => {
  const answer = async (message: unknown): Promise<unknown> => {
    const { job, input } = Job.parse(message);
    const work = jobs[job];
    if (work === undefined) throw new Error(`there is no job ${job}`);
    return { answer: await work(input) };
  };
  process.on('message', (message) => {
    void answer(message)
      .catch((fault: unknown) => ({ fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) }))
      .then((said) => process.send?.(said));
  });
  process.once('disconnect', () => process.exit(0));
};
