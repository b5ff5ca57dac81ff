/**
 * Between a process and the ACP library: lines to messages and back. Notifications are taken out here, in the order they came:
 * the library drops kinds it does not know and would let an answer overtake them. Only requests and awaited answers go on.
 */
import type { AnyMessage, AnyRequest, AnyResponse, Stream } from '@agentclientprotocol/sdk';
import type { AgentProcess } from './process.ts';

export type WireHears = {
  readonly notification: (method: string, params: unknown) => void;
  /** A request of ours has its answer; what was heard before belongs to it, and what comes later does not. */
  readonly answered: (method: string) => void;
  /** Anything that was a message at all. */
  readonly signOfLife: () => void;
  /** There were lines that are no message. */
  readonly noise: () => void;
  /** So many lines were too long. */
  readonly lost: (lines: number) => void;
};

/** An agent that asks more than this without reading the answers is not listened to until it does. */
const unansweredMax = 64;

export const connectWire = (agent: Pick<AgentProcess, 'stdin' | 'stdout'>, hears: WireHears): Stream => {
  const awaited = new Map<unknown, string>();
  let unanswered = 0;
  let answered = Promise.withResolvers<undefined>();

  async function* messages(): AsyncGenerator<AnyMessage> {
    for await (const { lines, dropped, noise } of agent.stdout) {
      if (dropped > 0) hears.lost(dropped);
      if (noise > 0) hears.noise();
      for (const line of lines) {
        const message = parseMessage(line);
        if (message === undefined) {
          if (line.trim() !== '') hears.noise();
        } else if (isRequest(message)) {
          hears.signOfLife();
          unanswered += 1;
          yield message;
          while (unanswered > unansweredMax) await answered.promise;
        } else if (isNotification(message)) {
          hears.signOfLife();
          hears.notification(message.method, message.params);
        } else {
          const method = isResponse(message) ? awaited.get(message.id) : undefined;
          if (!isResponse(message) || method === undefined) {
            hears.noise();
            continue;
          }
          awaited.delete(message.id);
          hears.signOfLife();
          hears.answered(method);
          yield message;
        }
      }
    }
  }

  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      if ('method' in message && 'id' in message) awaited.set(message.id, message.method);
      else if ('id' in message) unanswered -= 1;
      try {
        await writeLine(agent, JSON.stringify(message));
      } finally {
        answered.resolve(undefined);
        answered = Promise.withResolvers<undefined>();
      }
    },
  });
  return { readable: ReadableStream.from(messages()), writable };
};

/** Resolves when the pipe has taken it; rejects when the program reads no more. */
const writeLine = ({ stdin }: Pick<AgentProcess, 'stdin'>, line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stdin.write(`${line}\n`, (fault) => {
      if (fault) reject(fault);
      else resolve();
    });
  });

/** A program may say anything on its stdout; only an object can be a message. */
const parseMessage = (line: string): object | undefined => {
  const text = line.trim();
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

const isVersion2 = (message: object): boolean => 'jsonrpc' in message && message.jsonrpc === '2.0';
const isId = (id: unknown): boolean => typeof id === 'string' || typeof id === 'number';

const isRequest = (message: object): message is AnyRequest =>
  isVersion2(message) &&
  'method' in message &&
  typeof message.method === 'string' &&
  'id' in message &&
  isId(message.id);

const isNotification = (message: object): message is { method: string; params?: unknown } =>
  isVersion2(message) && 'method' in message && typeof message.method === 'string' && !('id' in message);

const isResponse = (message: object): message is AnyResponse =>
  isVersion2(message) && 'id' in message && isId(message.id) && ('result' in message || 'error' in message);
