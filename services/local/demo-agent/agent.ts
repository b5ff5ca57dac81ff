/** The agent's side of the Agent Client Protocol, version 1: initialize, session/new, load, prompt and cancel. */
import { randomUUID } from 'node:crypto';
import { keepConversation, readConversation } from './conversations.ts';
import { answerPrompt, updater } from './prompt.ts';
import type { AgentOptions, Session } from './prompt.ts';
import { textContent } from './turn.ts';
import { openWire, stringOf } from './wire.ts';
import type { Fields, Incoming, Reply, Wire } from './wire.ts';

/** The error codes of JSON-RPC, and the one of ACP for a session that is not known. */
const codes = { invalidRequest: -32600, noSuchMethod: -32601, internal: -32603, noSuchSession: -32002 } as const;

const refuse = (code: keyof typeof codes, message: string): Reply => ({ error: { code: codes[code], message } });

const hello = {
  protocolVersion: 1,
  agentInfo: { name: 'kiro-dispatch demo agent', version: '1.0.0' },
  agentCapabilities: { loadSession: true, promptCapabilities: { image: false, audio: false, embeddedContext: false } },
  authMethods: [],
};

/** Serves until stdin ends. */
export const serve = async (options: AgentOptions): Promise<void> => {
  const { chosen } = options;
  const sessions = new Map<string, Session>();
  const sessionOf = (params: Fields) => sessions.get(stringOf(params['sessionId']));
  const wire = openWire(
    (request) => {
      answer(request).catch((fault: unknown) => wire.answer(request.id, refuse('internal', String(fault))));
    },
    (method, params) => {
      if (method === 'session/cancel') sessionOf(params)?.turn?.abort();
    },
  );

  const answer = async (request: Incoming): Promise<void> => {
    const session = sessionOf(request.params);
    if (request.method === 'session/prompt' && session && !session.turn) {
      await answerPrompt(wire, session, request, options);
    } else wire.answer(request.id, await replyTo(request));
  };

  const replyTo = async ({ id, method, params }: Incoming): Promise<Reply> => {
    switch (method) {
      case 'initialize':
        await chosen?.fault['mid-handshake']?.(wire, id);
        return { result: hello };
      case 'session/new':
        return begin(sessions, stringOf(params['cwd']));
      case 'session/load':
        return load(sessions, wire, stringOf(params['sessionId']), stringOf(params['cwd']));
      case 'session/prompt':
        return sessionOf(params)
          ? refuse('invalidRequest', 'the session is busy with another prompt')
          : refuse('noSuchSession', 'there is no such session');
    }
    return refuse('noSuchMethod', `the demo agent has no method ${method}`);
  };

  await chosen?.fault['before-hello']?.(wire);
};

const begin = (sessions: Map<string, Session>, cwd: string): Reply => {
  const id = `demo-${randomUUID()}`;
  sessions.set(id, { id, cwd, history: [] });
  keepConversation(id, []);
  return { result: { sessionId: id } };
};

/** Replays the conversation, as ACP wants it, before it answers. */
const load = (sessions: Map<string, Session>, wire: Wire, id: string, cwd: string): Reply => {
  const history = sessions.get(id)?.history ?? readConversation(id);
  if (!history) return refuse('noSuchSession', `there is no session ${id}`);
  sessions.set(id, { id, cwd, history });
  const update = updater(wire, id);
  for (const { prompt, answer } of history) {
    update({ sessionUpdate: 'user_message_chunk', content: textContent(prompt) });
    update({ sessionUpdate: 'agent_message_chunk', content: textContent(answer) });
  }
  return { result: {} };
};
