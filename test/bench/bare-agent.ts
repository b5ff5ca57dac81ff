/** What a user would write who has no service: one agent process, driven over stdio with as little as the protocol needs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const Message = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({ update: z.looseObject({ sessionUpdate: z.string() }).optional() }).optional(),
  result: z.looseObject({ sessionId: z.string().optional() }).optional(),
});
type Message = z.infer<typeof Message>;

export type Prompted = { readonly firstWordMs: number; readonly endMs: number };

export type BareAgent = AsyncDisposable & { readonly prompt: (text: string) => Promise<Prompted> };

/** Resolves when a conversation is open. `command` is a program and its arguments. */
export const startBareAgent = async ([program = '', ...args]: readonly string[], cwd: string): Promise<BareAgent> => {
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  const answers = new Map<unknown, (message: Message) => void>();
  let asked = 0;
  let onWord = (): void => undefined;
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = Message.parse(JSON.parse(line));
    if (message.params?.update?.sessionUpdate === 'agent_message_chunk') onWord();
    if (message.method === undefined) answers.get(message.id)?.(message);
    else if (message.id !== undefined)
      send({ id: message.id, result: { outcome: { outcome: 'selected', optionId: 'allow_once' } } });
  });
  const ask = (method: string, params: object): Promise<Message> => {
    asked += 1;
    send({ id: asked, method, params });
    return new Promise((resolve) => answers.set(asked, resolve));
  };
  await ask('initialize', { protocolVersion: 1, clientCapabilities: {} });
  const { result } = await ask('session/new', { cwd, mcpServers: [] });
  return {
    prompt: async (text) => {
      const startedAt = performance.now();
      let firstWordMs = Number.NaN;
      onWord = () => {
        firstWordMs = performance.now() - startedAt;
        onWord = () => undefined;
      };
      await ask('session/prompt', { sessionId: result?.sessionId, prompt: [{ type: 'text', text }] });
      return { firstWordMs, endMs: performance.now() - startedAt };
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
};
