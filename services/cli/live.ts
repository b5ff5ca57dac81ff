/** A task's facts as they happen, over as many connections as it takes: only the outcome ends it. */
import { addAbortListener, on } from 'node:events';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { fullJitter, pause } from '#platform/backoff.ts';
import { jsonText } from '#platform/json.ts';
import { LiveMessage } from './answers.ts';
import type { Fact } from './answers.ts';
import { refusalOf, unreachable } from './client.ts';
import { CommandFault, exitCodes } from './exit.ts';
import type { Settings } from './settings.ts';

export type Step =
  | { readonly step: 'fact'; readonly fact: Fact }
  /** Said once per outage; it ends with 'back'. */
  | { readonly step: 'lost'; readonly reason: string }
  /** What was missed has been given: `replayed` facts. Comes before the outcome if that is among them. */
  | { readonly step: 'back'; readonly replayed: number };

export type LiveOptions = {
  /** Silence longer than this, to our pings too, is a dead connection that nobody closed. */
  readonly heartbeatMs: number;
  readonly pauseMaxMs: number;
};
export const liveDefaults: LiveOptions = { heartbeatMs: 15_000, pauseMaxMs: 10_000 };

const handshakeMs = 10_000;
const pauseMinMs = 250;

const Message = jsonText(LiveMessage);
const outcomes: ReadonlySet<string> = new Set(['TaskCompleted', 'TaskFailed', 'TaskCancelled']);
/** Answers to a subscription that the same subscription would get again. */
const finalCodes: ReadonlySet<string> = new Set(['not-found', 'invalid-message', 'invalid-cursor']);

const dial = ({ url, key }: Settings): WebSocket => {
  const address = new URL('api/live', url);
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(address, {
    headers: { authorization: `Bearer ${key}` },
    handshakeTimeout: handshakeMs,
    perMessageDeflate: false,
  });
};

const opened = (socket: WebSocket, url: URL): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  socket.once('open', () => resolve(undefined));
  socket.on('error', (cause) => reject(unreachable(url, cause)));
  socket.once('unexpected-response', (_, response) => {
    const refuse = (body: string) => reject(refusalOf(response.statusCode ?? 0, body, response.headers['retry-after']));
    text(response).then(refuse, reject);
  });
  return promise;
};

/** Cuts the connection when nothing has come for a whole beat, not even the answer to our ping. */
const keepAlive = (socket: WebSocket, heartbeatMs: number): Disposable => {
  let alive = true;
  socket.on('pong', () => (alive = true)).on('message', () => (alive = true));
  const beat = setInterval(() => {
    if (!alive) socket.terminate();
    else socket.ping();
    alive = false;
  }, heartbeatMs);
  return { [Symbol.dispose]: () => clearInterval(beat) };
};

/** One connection: the facts after `after`, and 'live' when it has caught up. Returns when it is closed, however that was meant. */
async function* connection(
  taskId: string,
  after: number,
  settings: Settings,
  { heartbeatMs }: LiveOptions,
  stop: AbortSignal,
): AsyncGenerator<Fact | 'live', void> {
  using held = new DisposableStack();
  const socket = held.adopt(dial(settings), (each) => each.terminate());
  held.use(addAbortListener(stop, () => socket.terminate()));
  await opened(socket, settings.url);
  held.use(keepAlive(socket, heartbeatMs));
  socket.send(JSON.stringify({ type: 'subscribe', stream: `task/${taskId}`, after }));
  let seen = after;
  for await (const [data] of on(socket, 'message', { close: ['close'] })) {
    const message = Message.safeParse(String(data)).data;
    if (message?.type === 'live') yield 'live';
    if (message?.type === 'error') {
      const code = finalCodes.has(message.code) ? exitCodes.refused : exitCodes.unreachable;
      throw new CommandFault(code, message.message);
    }
    if (message?.type !== 'event' || message.version <= seen) continue;
    seen += 1;
    if (message.version > seen) throw new CommandFault(exitCodes.unreachable, `fact ${seen} was left out`);
    yield message.event;
  }
}

/**
 * Yields every fact after version `after` once and in order, and returns behind the outcome, or when `stop` aborts. A connection
 * that ends, cleanly or not, is followed by another one that goes on behind the last fact; what is refused for good is thrown.
 */
export async function* follow(
  taskId: string,
  after: number,
  settings: Settings,
  options: LiveOptions,
  stop: AbortSignal,
): AsyncGenerator<Step, void> {
  let seen = after;
  let replayed = 0;
  let lost = false;
  const stopped = (): boolean => stop.aborted;
  for (let failures = 0; !stopped(); failures += 1) {
    let fault = new CommandFault(exitCodes.unreachable, 'the connection was closed');
    try {
      for await (const said of connection(taskId, seen, settings, options, stop)) {
        const isOutcome = said !== 'live' && outcomes.has(said.type);
        if (said !== 'live') {
          seen = said.version;
          replayed += 1;
          failures = 0;
        }
        if (lost && (said === 'live' || isOutcome)) {
          lost = false;
          yield { step: 'back', replayed };
        }
        if (said !== 'live') yield { step: 'fact', fact: said };
        if (isOutcome) return;
      }
    } catch (cause) {
      fault = cause instanceof CommandFault ? cause : unreachable(settings.url, cause);
    }
    if (fault.exitCode === exitCodes.refused) throw fault;
    if (stopped()) return;
    if (!lost) {
      lost = true;
      replayed = 0;
      yield { step: 'lost', reason: fault.message };
    }
    await pause(Math.max(fault.retryAfterMs, fullJitter(failures, pauseMinMs, options.pauseMaxMs)), stop);
  }
}
