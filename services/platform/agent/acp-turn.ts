/** What is heard and asked during one turn over ACP. */
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import type { Turn } from './agent.ts';
import { readToolCall, readUpdate } from './acp-updates.ts';
import type { Dialect } from './dialect.ts';
import { placeInside } from './paths.ts';
import { decide, optionFor } from './permissions.ts';
import type { PermissionPolicy, Verdict } from './permissions.ts';
import { recordTurn } from './turn-record.ts';
import type { ToolReport, TurnRecord } from './turn-record.ts';

export type TurnSpec = Turn & {
  readonly cwd: string;
  readonly dialect: Dialect;
  readonly policy: PermissionPolicy;
  /** Once true, whatever is asked is answered with `cancelled`. */
  readonly isCancelled: () => boolean;
};

export type AcpTurn = {
  readonly record: TurnRecord;
  readonly hear: (method: string, params: unknown) => void;
  readonly permit: (request: RequestPermissionRequest) => RequestPermissionResponse;
  /** The prompt is answered: whatever the agent goes on to say is no part of the turn. */
  readonly end: () => void;
};

const ofSession = z.looseObject({ sessionId: z.string() });

const noSuchAnswer = {
  decision: 'denied',
  reason: 'the request does not offer the answer that the policy gives',
} as const;

export const acpTurn = (spec: TurnSpec): AcpTurn => {
  const { conversationId, dialect, onUpdate } = spec;
  const record = recordTurn(onUpdate);
  let isEnded = false;
  return {
    record,
    hear(method, params) {
      const parsed = ofSession.safeParse(params).data;
      // What a subagent says is not the answer; its tools are reported by the agent that sent it.
      if (isEnded || parsed?.sessionId !== conversationId) return;
      if (method === 'session/update' || method === dialect.updateMethod) {
        (dialect.readUpdate(parsed['update']) ?? readUpdate(parsed['update'])).forEach(record.add);
      } else dialect.readNotification(method, params).forEach(record.add);
    },
    permit(request) {
      if (isEnded || spec.isCancelled()) return { outcome: { outcome: 'cancelled' } };
      const call = readToolCall(request.toolCall);
      const known = call && record.toolCall(call.toolCallId);
      const verdict = judge(spec, request, [known, call]);
      const optionId = optionFor(verdict, request.options);
      const title = call?.title ?? known?.title ?? 'a tool without a name';
      const { decision, reason } = optionId === undefined ? noSuchAnswer : verdict;
      record.add({ kind: 'permission', title, decision, reason });
      return { outcome: optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId } };
    },
    end() {
      isEnded = true;
    },
  };
};

/** A request often names its tool call only by id: what was reported of it before counts as well. */
const judge = (
  { policy, cwd, dialect }: TurnSpec,
  request: RequestPermissionRequest,
  reports: readonly (ToolReport | undefined)[],
): Verdict => {
  const named = reports.map((report) => (report && 'named' in report ? report.named : []));
  const readable = named.filter((paths) => paths !== undefined);
  const paths = readable.length < named.length ? undefined : [...readable.flat(), ...dialect.pathsAsked(request)];
  const kind = reports.findLast((report) => report?.tool !== undefined)?.tool;
  return decide(policy, { kind, paths }, (path) => placeInside(cwd, path) !== undefined);
};
