/** What an agent says and does while it works: the parts of a progress report. */
import { z } from 'zod';

export const ToolStatus = z.enum(['pending', 'in_progress', 'completed', 'failed']);
export const PlanEntry = z.object({
  content: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed']),
  priority: z.enum(['high', 'medium', 'low']).optional(),
});

/** Amounts of one turn, added to what the task has used already; `contextPercent` is the state now, not an amount. */
const usageReport = z.object({
  credits: z.number().nonnegative().optional(),
  inputTokens: z.int().nonnegative().optional(),
  outputTokens: z.int().nonnegative().optional(),
  agentMs: z.int().nonnegative().optional(),
  contextPercent: z.number().nonnegative().optional(),
});

export const TaskUpdate = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('thought'), text: z.string() }),
  z.object({
    kind: z.literal('tool'),
    toolCallId: z.string(),
    title: z.string(),
    /** ACP's tool kind: read, edit, execute, … */
    tool: z.string(),
    status: ToolStatus,
    paths: z.array(z.string()).optional(),
    detail: z.string().optional(),
  }),
  z.object({ kind: z.literal('plan'), entries: z.array(PlanEntry) }),
  z.object({
    kind: z.literal('permission'),
    title: z.string(),
    decision: z.enum(['allowed', 'denied']),
    reason: z.string(),
  }),
  usageReport.extend({ kind: z.literal('usage') }),
  /** Said by us or by the agent about the run itself: a stop stage, a lost stretch of output, an update kind we do not know. */
  z.object({ kind: z.literal('notice'), text: z.string() }),
]);
export type TaskUpdate = z.infer<typeof TaskUpdate>;

export const Usage = z.object({
  credits: z.number(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  agentMs: z.int(),
  contextPercent: z.number().optional(),
});
export type Usage = z.infer<typeof Usage>;

export const noUsage: Usage = { credits: 0, inputTokens: 0, outputTokens: 0, agentMs: 0 };

/** Six decimals: credits are sums of small fractions, and 0.1 + 0.2 must read 0.3. */
const sum = (a: number, b = 0): number => Math.round((a + b) * 1e6) / 1e6;

export const addUsage = (usage: Usage, update: TaskUpdate): Usage =>
  update.kind !== 'usage'
    ? usage
    : {
        credits: sum(usage.credits, update.credits),
        inputTokens: sum(usage.inputTokens, update.inputTokens),
        outputTokens: sum(usage.outputTokens, update.outputTokens),
        agentMs: sum(usage.agentMs, update.agentMs),
        ...(update.contextPercent === undefined
          ? usage.contextPercent === undefined
            ? {}
            : { contextPercent: usage.contextPercent }
          : { contextPercent: update.contextPercent }),
      };
