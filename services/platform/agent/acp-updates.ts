/** Reads the updates of ACP version 1. Lenient: what cannot be read costs that update, never the turn. */
import { z } from 'zod';
import { PlanEntry, ToolStatus } from '#events/task-update.ts';
import { pathsNamed } from './permissions.ts';
import type { ToolReport, TurnEvent } from './turn-record.ts';

const named = z.object({ sessionUpdate: z.string() });
const block = z.object({ type: z.string(), text: z.string().optional() });
const chunk = z.object({ content: block });
const plan = z.object({ entries: z.array(PlanEntry.nullable().catch(null)) });
const usage = z.object({ used: z.number().nonnegative(), size: z.number().min(1) });
const notice = z.object({ title: z.string(), description: z.string().nullish() });
const optional = <Value>(schema: z.ZodType<Value>) => schema.nullish().catch(undefined);
const ToolCall = z.object({
  toolCallId: z.string(),
  title: optional(z.string()),
  kind: optional(z.string()),
  status: optional(ToolStatus),
  locations: optional(z.array(z.object({ path: z.string() }))),
  content: optional(z.array(z.unknown())),
  rawInput: z.unknown().optional(),
});

const charsMax = 2_000;
const pathsMax = 50;
const entriesMax = 200;
const kindCharsMax = 60;
/** Well-formed, so that it can be stored, and of a length that people read. */
const short = (text: string): string =>
  text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text.toWellFormed();

/** Reads a `tool_call`, a `tool_call_update`, or the tool call inside a request for permission. */
export const readToolCall = (value: unknown): ToolReport | undefined => {
  const parsed = ToolCall.safeParse(value);
  if (!parsed.success) return undefined;
  const { toolCallId, title, kind, status, locations, content, rawInput } = parsed.data;
  const named = pathsNamed({ locations, content, rawInput });
  const paths = locations?.slice(0, pathsMax).map(({ path }) => short(path));
  const detail = (content ?? []).flatMap((part) => textOf(part) ?? []).join('\n');
  return {
    kind: 'tool',
    toolCallId: short(toolCallId),
    ...(title == null ? {} : { title: short(title) }),
    ...(kind == null ? {} : { tool: short(kind) }),
    ...(status == null ? {} : { status }),
    ...(paths === undefined || paths.length === 0 ? {} : { paths }),
    ...(detail === '' ? {} : { detail: short(detail) }),
    // A report that names nothing says nothing new about what the call touches.
    ...(named?.length === 0 ? {} : { named }),
  };
};

const textOf = (part: unknown): string | undefined => chunk.safeParse(part).data?.content.text;

/** Kinds that tell nothing about the work. */
const ignored = [
  'user_message_chunk',
  'available_commands_update',
  'current_mode_update',
  'config_option_update',
  'session_info_update',
  'compaction_update',
  'compaction_summary_chunk',
];

export const readUpdate = (update: unknown): readonly TurnEvent[] => {
  const kind = named.safeParse(update).data?.sessionUpdate ?? 'without a name';
  if (ignored.includes(kind)) return [];
  return readers.get(kind)?.(update) ?? [{ kind: 'unknown', name: kind.slice(0, kindCharsMax).toWellFormed() }];
};

const readers = new Map<string, (update: unknown) => readonly TurnEvent[]>(
  Object.entries({
    agent_message_chunk: (update: unknown) => texts('text', update),
    agent_thought_chunk: (update: unknown) => texts('thought', update),
    tool_call: (update: unknown) => one(readToolCall(update)),
    tool_call_update: (update: unknown) => one(readToolCall(update)),
    plan: (update: unknown) => {
      const entries = plan.safeParse(update).data?.entries.flatMap((entry) => entry ?? []);
      const shortened = entries?.slice(0, entriesMax).map((entry) => ({ ...entry, content: short(entry.content) }));
      return one(shortened && { kind: 'plan', entries: shortened });
    },
    usage_update: (update: unknown) => {
      const parsed = usage.safeParse(update).data;
      return one(parsed && { kind: 'usage', contextPercent: Math.min(100, (100 * parsed.used) / parsed.size) });
    },
    notice: (update: unknown) => {
      const parsed = notice.safeParse(update).data;
      return one(
        parsed && { kind: 'notice', text: short([parsed.title, parsed.description].filter(Boolean).join(': ')) },
      );
    },
  }),
);

const one = (event: TurnEvent | undefined): readonly TurnEvent[] => (event ? [event] : []);

const texts = (kind: 'text' | 'thought', update: unknown): readonly TurnEvent[] => {
  const text = textOf(update);
  if (text === undefined || text === '') return [];
  return [kind === 'text' ? { kind, text } : { kind, text: text.toWellFormed() }];
};
