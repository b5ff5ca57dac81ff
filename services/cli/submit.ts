/** `submit`: hand in a prompt, and stay with it if asked to. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Priority } from '#events/task.ts';
import { Accepted } from './answers.ts';
import { everyOption, wholeNumber } from './call.ts';
import type { Call } from './call.ts';
import { CommandFault, exitCodes } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { watchTask } from './watch.ts';

const pair = z
  .string()
  .regex(/^[^=]+=/, 'must be key=value')
  .transform((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const);

export const submitOptions = z.object({
  ...everyOption,
  priority: Priority.optional(),
  session: z.string().optional(),
  repository: z.string().optional(),
  ref: z.string().optional(),
  timeout: wholeNumber.optional(),
  budget: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number of credits')
    .transform(Number)
    .optional(),
  idempotencyKey: z.string().optional(),
  metadata: z
    .array(pair)
    .transform((pairs): Record<string, string> => Object.fromEntries(pairs))
    .optional(),
  wait: z.boolean().default(false),
  follow: z.boolean().default(false),
});
type Options = z.infer<typeof submitOptions>;

/** Fields that were not given are undefined, and JSON leaves those out. */
const bodyOf = (message: string, options: Options) => ({
  message,
  priority: options.priority,
  sessionId: options.session,
  repository: options.repository,
  ref: options.ref,
  timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1_000,
  limits: options.budget === undefined ? undefined : { credits: options.budget },
  metadata: options.metadata,
});

/** Every submission has a key, so that asking again after a lost answer does not make a second task. */
const hand = async ({ ask, screen, options, subject, readInput }: Call<Options>) => {
  const message = subject === '-' ? await readInput() : subject;
  const idempotencyKey = options.idempotencyKey ?? randomUUID();
  try {
    return await ask('POST', 'api/chat', Accepted, { body: bodyOf(message, options), idempotencyKey });
  } catch (fault) {
    if (!(fault instanceof CommandFault) || fault.exitCode !== exitCodes.refused) {
      screen.note(
        `whether the task was accepted is not known; with --idempotency-key ${idempotencyKey} a repeat is safe`,
      );
    }
    throw fault;
  }
};

export const submit = async (call: Call<Options>): Promise<ExitCode> => {
  const { screen, options } = call;
  const accepted = await hand(call);
  const { taskId } = accepted;
  if (!options.wait && !options.follow) {
    if (options.json) screen.json(accepted);
    else {
      screen.line(taskId);
      screen.note(`accepted; to follow it: kiro-dispatch watch ${taskId}`, 'dim');
    }
    return exitCodes.done;
  }
  if (options.json) {
    const { code, task } = await watchTask(call, taskId, options.follow ? 'facts' : 'silent');
    if (task && options.wait) screen.json(task);
    return code;
  }
  screen.note(`task ${taskId}`);
  const { code } = await watchTask(call, taskId, options.follow ? 'told' : 'states');
  return code;
};
