/** A language model that needs no network: the OpenAI-compatible endpoint that independent agents are pointed at. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const Content = z.union([
  z.string(),
  z
    .array(z.object({ text: z.string().optional() }))
    .transform((parts) => parts.map((part) => part.text ?? '').join('')),
  z.null().transform(() => ''),
]);
const Request = z.object({
  messages: z.array(z.object({ role: z.string(), content: Content.optional() })),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).optional(),
});
type Request = z.infer<typeof Request>;

type Reply =
  | { readonly does: 'says'; readonly text: string }
  | { readonly does: 'writes'; readonly path: string; readonly text: string }
  /** Begins to answer and never ends, until the agent hangs up. */
  | { readonly does: 'hangs' };

/**
 * A user text `WRITE <path> <text>` calls the agent's `write` tool, once; `HANG` begins an answer that never ends;
 * anything else, and any request that offers no tools (agents ask for titles that way), is echoed.
 */
const replyTo = ({ messages, tools }: Request): Reply => {
  const asked = messages.findLastIndex((message) => message.role === 'user');
  const text = messages[asked]?.content ?? '';
  if (tools?.some((tool) => tool.function.name === 'write') !== true) return { does: 'says', text: `echo: ${text}` };
  if (/^HANG$/m.test(text)) return { does: 'hangs' };
  const [, path, content] = /^WRITE (\S+) (.*)$/m.exec(text) ?? [];
  const answered = messages.slice(asked).some((message) => message.role === 'tool');
  if (path === undefined || content === undefined || answered) return { does: 'says', text: `echo: ${text}` };
  return { does: 'writes', path, text: content };
};

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };

const stream = (response: ServerResponse, delta: object, finish?: 'stop' | 'tool_calls') => {
  const send = (chunk: object) => {
    const frame = { id: 'stub', object: 'chat.completion.chunk', created: 0, model: 'stub', ...chunk };
    response.write(`data: ${JSON.stringify(frame)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send({ choices: [{ index: 0, delta, finish_reason: null }] });
  if (finish === undefined) return;
  send({ choices: [{ index: 0, delta: {}, finish_reason: finish }], usage });
  response.end('data: [DONE]\n\n');
};

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const reply = replyTo(Request.parse(await json(request)));
  switch (reply.does) {
    case 'says':
      stream(response, { role: 'assistant', content: reply.text }, 'stop');
      return;
    case 'hangs':
      stream(response, { role: 'assistant', content: 'thinking' });
      return;
    case 'writes': {
      const call = { name: 'write', arguments: JSON.stringify({ filePath: reply.path, content: reply.text }) };
      const calls = [{ index: 0, id: 'call_1', type: 'function', function: call }];
      stream(response, { role: 'assistant', tool_calls: calls }, 'tool_calls');
    }
  }
};

export type StubLlm = AsyncDisposable & { readonly baseUrl: string };

/** Listens on a free port of 127.0.0.1 until it is disposed; answers still going on are cut off then. */
export const startStubLlm = async (): Promise<StubLlm> => {
  const server = createServer((request, response) => {
    answer(request, response).catch((fault: unknown) => response.writeHead(400).end(String(fault)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
