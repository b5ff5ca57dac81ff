/** Sends a prompt, and makes of the answer, the refusal or the end of the agent how the turn ended. */
import { RequestError } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import type { Turn, TurnEnd } from './agent.ts';
import { describeRefusal, howItEnded } from './acp-connection.ts';
import type { Connection } from './acp-connection.ts';
import { agentFailed, endOf, failed, isAboutSignIn, notSignedIn } from './failures.ts';
import type { TurnRecord } from './turn-record.ts';

const tokens = z.int().nonnegative().max(1e12).optional();
const Answer = z.object({
  stopReason: z.string(),
  usage: z.object({ inputTokens: tokens, outputTokens: tokens }).nullish().catch(undefined),
});

/** Never rejects. */
export const promptAgent = async (
  connection: Connection,
  { conversationId, prompt }: Turn,
  record: TurnRecord,
): Promise<TurnEnd> => {
  const params = { sessionId: conversationId, prompt: [{ type: 'text', text: prompt }] };
  try {
    const answer = Answer.safeParse(await connection.request('session/prompt', params)).data;
    if (!answer) return failed(agentFailed('the agent ended the turn without saying why'), false);
    if (answer.usage) record.add({ kind: 'usage', ...answer.usage });
    return endOf(answer.stopReason, record.text());
  } catch (fault) {
    if (!(fault instanceof RequestError)) {
      return failed(agentFailed(`the agent ${await howItEnded(connection.process)}`), false);
    }
    const why = describeRefusal(fault);
    if (isAboutSignIn(fault.code, why)) return failed(notSignedIn(why), false);
    return failed(agentFailed(`the agent reported an error: ${why}`), true);
  }
};
