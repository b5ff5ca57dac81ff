/** Which fact wakes which queue: `events/routing.json`, read by Terraform and by the local provisioning alike. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Priority } from '#events/task.ts';

const text = z.string().min(1);
const number = z.number().min(-5e9).max(5e9);

/** One way a field can match, as EventBridge defines it; several in an array are alternatives. */
export const Matcher = z.union([
  z.string(),
  number,
  z.boolean(),
  z.null(),
  z.strictObject({ prefix: text }),
  z.strictObject({ suffix: text }),
  z.strictObject({ 'equals-ignore-case': text }),
  z.strictObject({ exists: z.boolean() }),
  z.strictObject({
    'anything-but': z.union([
      z.string(),
      number,
      z.array(z.union([z.string(), number])).min(1),
      z.strictObject({ prefix: text }),
      z.strictObject({ suffix: text }),
    ]),
  }),
  z.strictObject({
    numeric: z.union([
      z.tuple([z.enum(['=', '>', '>=', '<', '<=']), number]),
      z.tuple([z.enum(['>', '>=']), number, z.enum(['<', '<=']), number]),
    ]),
  }),
]);
export type Matcher = z.infer<typeof Matcher>;

/** An event matches when every field named here matches; fields not named do not matter. */
export type EventPattern = { readonly [field: string]: EventPattern | readonly Matcher[] };
export const EventPattern: z.ZodType<EventPattern> = z.lazy(() =>
  z
    .record(z.string(), z.union([z.array(Matcher).min(1), EventPattern]))
    .refine((fields) => Object.keys(fields).length > 0, 'names no field'),
);

const Rule = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/),
  pattern: EventPattern,
  /** `work-<priority>`: the queues in `names.ts`. */
  targets: z.array(z.strictObject({ queue: z.templateLiteral(['work-', Priority]) })).min(1),
});

export const Routing = z.strictObject({
  rules: z
    .array(Rule)
    .min(1)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'two rules have the same name'),
});
export type Routing = z.infer<typeof Routing>;

/** The priority whose queue a target means. */
export const priorityOf = ({ queue }: Routing['rules'][number]['targets'][number]): Priority =>
  Priority.parse(queue.slice('work-'.length));

const file = new URL('../../../events/routing.json', import.meta.url);

/** Throws when the file is not a routing this system can carry out: a rule that never matches would lose no task, but delay all of them. */
export const readRouting = async (path: URL | string = file): Promise<Routing> => {
  try {
    return Routing.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new Error(`${path.toString()} is not a routing`, { cause });
  }
};
