/** JSON-RPC 2.0 in lines over stdin and stdout, by hand: loading an SDK or a schema library takes longer than a whole turn of this agent. */
import { createInterface } from 'node:readline';

export type Fields = { readonly [name: string]: unknown };
export const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {});
export const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export type Id = string | number;

export type Incoming = { readonly id: Id; readonly method: string; readonly params: Fields };
export type Reply =
  { readonly result: object } | { readonly error: { readonly code: number; readonly message: string } };

export type Wire = {
  readonly send: (message: object) => void;
  readonly answer: (id: Id, reply: Reply) => void;
  /** Bytes as they are, for faults; resolves when the client's pipe has taken them. */
  readonly write: (bytes: string | Uint8Array) => Promise<void>;
  /** Asks the client; resolves with its whole answer, be it a result or an error. */
  readonly request: (method: string, params: object) => Promise<Fields>;
  /** From now on the end of stdin does not end the process. */
  readonly outliveInput: () => void;
};

/** A process that outlives its input ends by itself after this long, so that nothing is left for ever by a test that failed. */
const outlivesMs = 600_000;

/** Reads until stdin ends, and then exits: a client that is gone needs no agent. */
export const openWire = (
  onRequest: (request: Incoming) => void,
  onNotification: (method: string, params: Fields) => void,
): Wire => {
  const waiting = new Map<Id, (answer: Fields) => void>();
  let asked = 0;
  let outlives = false;
  const exit = () => {
    if (!outlives) process.exit(0);
    process.stderr.write('the input has ended, and I stay\n');
  };
  const send = (message: object) => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const hear = (line: string) => {
    const message = parsed(line);
    const { id } = message;
    const method = stringOf(message['method']);
    const params = fieldsOf(message['params']);
    if (method === '') waiting.get(stringOf(id))?.(message);
    else if (typeof id !== 'string' && typeof id !== 'number') onNotification(method, params);
    else onRequest({ id, method, params });
  };
  process.stdout.on('error', () => process.exit(0));
  createInterface({ input: process.stdin }).on('line', hear).on('close', exit);
  return {
    send,
    answer: (id, reply) => send({ id, ...reply }),
    write: (bytes) => new Promise((resolve) => process.stdout.write(bytes, () => resolve())),
    request: (method, params) => {
      const { promise, resolve } = Promise.withResolvers<Fields>();
      const id = `demo-${(asked += 1)}`;
      waiting.set(id, resolve);
      send({ id, method, params });
      return promise.finally(() => waiting.delete(id));
    },
    outliveInput: () => {
      outlives = true;
      setTimeout(() => process.exit(0), outlivesMs);
    },
  };
};

/** A line that is not JSON is answered with nothing, like a message without a meaning. */
const parsed = (line: string): Fields => {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    return {};
  }
};
