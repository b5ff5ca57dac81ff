/** The two dialects of Kiro: one binary, two engines, two sets of extensions to ACP. */
import { z } from 'zod';
import type { Dialect } from './dialect.ts';
import type { TurnEvent } from './turn-record.ts';

const message = z.object({ message: z.string() });
const named = z.object({ sessionUpdate: z.string() });
const kindOf = (update: unknown): string | undefined => named.safeParse(update).data?.sessionUpdate;

const noticeCharsMax = 2_000;
const noticed = (text: string | undefined): readonly TurnEvent[] =>
  text === undefined ? [] : [{ kind: 'notice', text: text.slice(0, noticeCharsMax).toWellFormed() }];
const told = (params: unknown): readonly TurnEvent[] => noticed(message.safeParse(params).data?.message);
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

const creditsOf = (amounts: readonly { readonly amount: number; readonly unit?: string | undefined }[]) => {
  const credits = amounts.filter(({ unit }) => unit === 'credit');
  return credits.length === 0
    ? {}
    : {
        credits: round(
          credits.reduce((sum, { amount }) => sum + amount, 0),
          6,
        ),
      };
};
const percentOf = (percent: number | null | undefined) =>
  percent == null ? {} : { contextPercent: round(percent, 2) };
const durationOf = (ms: number | null | undefined) => (ms == null ? {} : { agentMs: Math.round(ms) });

/** Sums of what an agent reports must stay numbers, whatever it reports. */
const amount = z.number().nonnegative().max(1e9);
const Metadata = z.object({
  contextUsagePercentage: amount.nullish(),
  meteringUsage: z.array(z.object({ value: amount, unit: z.string() })).nullish(),
  turnDurationMs: amount.nullish(),
});

/** V2's report of context and credits: it comes several times a turn, with the credits only in the last one. */
export const readMetadata = (params: unknown): readonly TurnEvent[] => {
  const parsed = Metadata.safeParse(params).data;
  if (!parsed) return [];
  const amounts = (parsed.meteringUsage ?? []).map(({ value, unit }) => ({ amount: value, unit }));
  const { contextUsagePercentage, turnDurationMs } = parsed;
  const usage = { ...percentOf(contextUsagePercentage), ...creditsOf(amounts), ...durationOf(turnDurationMs) };
  return [{ kind: 'usage', ...usage }];
};

const toolCallChunk = z.object({ toolCallId: z.string(), title: z.string().optional(), kind: z.string().optional() });
const retry = message.extend({ attempt: z.number(), maxAttempts: z.number() });

/** Kinds that V2 adds, in an envelope of its own or in ACP's. */
export const readV2Update = (update: unknown): readonly TurnEvent[] | undefined => {
  switch (kindOf(update)) {
    case 'tool_call_chunk': {
      const parsed = toolCallChunk.safeParse(update).data;
      if (!parsed) return [];
      const { toolCallId, title, kind } = parsed;
      return [{ kind: 'tool', toolCallId, ...(title ? { title } : {}), ...(kind ? { tool: kind } : {}) }];
    }
    case 'stream_discarded':
      return [{ kind: 'discarded' }];
    case 'stream_stall_notice':
      return told(update);
    case 'retry_warning': {
      const parsed = retry.safeParse(update).data;
      return noticed(parsed && `${parsed.message} (attempt ${parsed.attempt} of ${parsed.maxAttempts})`);
    }
    case undefined:
  }
  return undefined;
};

export const kiroV2: Dialect = {
  name: 'kiro-v2',
  readUpdate: readV2Update,
  updateMethod: '_kiro.dev/session/update',
  readNotification(method, params) {
    if (method === '_kiro.dev/metadata') return readMetadata(params);
    if (method === '_kiro.dev/error/rate_limit' || method === '_kiro.dev/agent/config_error') return told(params);
    if (method === '_kiro.dev/mcp/server_init_failure') return noticed('an MCP server of the agent did not start');
    if (method === '_kiro.dev/mcp/oauth_request')
      return noticed('an MCP server waits for a sign-in that nobody can give it');
    return [];
  },
  pathsAsked: () => [],
};

const infoUpdate = z.object({ _meta: z.object({ kiro: z.looseObject({ kind: z.string() }) }) });
const contextUsage = z.object({ usagePercentage: amount });
const turnCompletion = z.object({
  promptTurnSummaries: z.array(z.object({ usage: amount.optional(), unit: z.string().optional() })).catch([]),
  elapsedTime: amount.optional().catch(undefined),
});
const consent = z.object({
  _meta: z.object({ kiro: z.object({ consent: z.object({ capability: z.string(), resource: z.string() }) }) }),
});

/** V3 says in `session_info_update` what V2 says in notifications of its own. */
const readInfo = (update: unknown): readonly TurnEvent[] => {
  const kiro = infoUpdate.safeParse(update).data?._meta.kiro;
  if (kiro?.kind === 'context_usage') {
    return [{ kind: 'usage', ...percentOf(contextUsage.safeParse(kiro).data?.usagePercentage) }];
  }
  if (kiro?.kind === 'turn_completion') {
    const { promptTurnSummaries, elapsedTime } = turnCompletion.parse(kiro);
    const amounts = promptTurnSummaries.map(({ usage = 0, unit }) => ({ amount: usage, unit }));
    return [{ kind: 'usage', ...creditsOf(amounts), ...durationOf(elapsedTime) }];
  }
  return kiro?.kind === 'display_error' ? told(kiro) : [];
};

export const kiroV3: Dialect = {
  name: 'kiro-v3',
  readUpdate: (update) => (kindOf(update) === 'session_info_update' ? readInfo(update) : undefined),
  readNotification: (method, params) => (method === '_kiro/error/rate_limit' ? told(params) : []),
  // Its tool call is a stub here; what shall be touched stands in the consent that is asked for.
  pathsAsked(request) {
    const asked = consent.safeParse(request).data?._meta.kiro.consent;
    return asked?.capability.startsWith('fs') ? [asked.resource] : [];
  },
};
