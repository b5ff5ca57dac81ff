/** Opens a conversation, or takes up an earlier one, over a connection. */
import { RequestError } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { AgentUnavailable } from './agent.ts';
import { describeRefusal, howItEnded } from './acp-connection.ts';
import type { Connection } from './acp-connection.ts';
import type { Dialect } from './dialect.ts';
import { isAboutSignIn, signInRemedy } from './failures.ts';
import { setOptions } from './session-options.ts';
import { watch } from './watchdog.ts';
import type { Watchdog } from './watchdog.ts';

export type ConversationOptions = { readonly dialect: Dialect; readonly model?: string | undefined };

const Opened = z.looseObject({ sessionId: z.string().min(1) });

/** Rejects with `AgentUnavailable`. */
export const openConversation = async (
  connection: Connection,
  cwd: string,
  options: ConversationOptions,
  limitMs: number,
): Promise<string> => {
  using limit = watch(limitMs);
  const open = async (): Promise<string> => {
    const answer = await connection.request('session/new', { cwd, mcpServers: [] });
    const { sessionId } = Opened.parse(answer);
    await setOptions(answer, { ...options, sessionId, request: connection.request });
    return sessionId;
  };
  const remedy = 'Run the agent by hand and see whether it opens a session.';
  try {
    const sessionId = await Promise.race([open(), limit.silence.then(() => undefined)]);
    if (sessionId !== undefined) return sessionId;
    throw new AgentUnavailable(`the agent did not open a session within ${limitMs / 1_000} s`, remedy);
  } catch (fault) {
    if (fault instanceof AgentUnavailable) throw fault;
    if (fault instanceof RequestError) {
      const why = describeRefusal(fault);
      const signIn = isAboutSignIn(fault.code, why);
      throw new AgentUnavailable(`the agent refused a session: ${why}`, signIn ? signInRemedy : remedy, {
        cause: fault,
      });
    }
    if (connection.isOpen())
      throw new AgentUnavailable('the agent opened a session without a name', remedy, { cause: fault });
    throw new AgentUnavailable(`the agent ${await howItEnded(connection.process)}`, remedy, { cause: fault });
  }
};

/**
 * False when the agent does not know the conversation: some say so, some say nothing for ever, some exit.
 * `limit` is touched by whoever hears the agent, so that a long conversation has the time to be replayed.
 */
export const loadConversation = async (
  connection: Connection,
  sessionId: string,
  cwd: string,
  options: ConversationOptions,
  limit: Watchdog,
): Promise<boolean> => {
  const load = async (): Promise<'loaded'> => {
    const answer = await connection.request('session/load', { sessionId, cwd, mcpServers: [] });
    await setOptions(answer, { ...options, sessionId, request: connection.request });
    return 'loaded';
  };
  const loaded = await Promise.race([load(), limit.silence]).catch(() => 'refused');
  return loaded === 'loaded';
};
