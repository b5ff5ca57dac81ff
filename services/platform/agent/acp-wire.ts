/**
 * Between a process and the ACP library: lines to messages and back. Notifications are taken out here, in the order they came:
 * the library drops kinds it does not know and would let an answer overtake them. Only requests and awaited answers go on.
 */
import type { AnyMessage, AnyRequest, AnyResponse, Stream } from '@agentclientprotocol/sdk';
import type { AgentProcess } from './process.ts';

export type WireHears = {
  readonly notification: (method: string, params: unknown) => void;
  /** Anything that was a message at all. */
  readonly signOfLife: () => void;
  /** A line that is no message. */
  readonly noise: () => void;
  /** So many lines were too long. */
  readonly lost: (lines: number) => void;
};

/** An agent that asks more than this without reading the answers is not listened to until it does. */
const unansweredMax = 64;

export const connectWire = (agent: Pick<AgentProcess, 'stdin' | 'stdout'>, hears: WireHears): Stream => {
  const awaited = new Set<unknown>();
  let unanswered = 0;
  let answered = Promise.withResolvers<undefined>();

  async function* messages(): AsyncGenerator<AnyMessage> {
    for await (const { lines, dropped } of agent.stdout) {
      if (dropped > 0) hears.lost(dropped);
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
        } else if (isResponse(message) && awaited.delete(message.id)) {
          hears.signOfLife();
          yield message;
        } else hears.noise();
      }
    }
  }

  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      if ('method' in message && 'id' in message) awaited.add(message.id);
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
