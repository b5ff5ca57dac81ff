/** A careful client of the live channel: whatever happens to its socket, it comes back, to any instance, and goes on after what it saw. */
import { addAbortListener } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import type { Random } from '#test/support/random.ts';
import { digestOf } from './record.ts';
import type { Heard } from './record.ts';

const Message = jsonText(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('event'),
      stream: z.string(),
      subscription: z.literal('$mine').optional(),
      version: z.int(),
      cursor: z.string().optional(),
      event: z.looseObject({ id: z.string() }),
    }),
    z.object({ type: z.literal('live'), stream: z.string(), cursor: z.string().optional() }),
    z.object({ type: z.literal('error'), code: z.string(), stream: z.string().optional() }),
    z.object({ type: z.literal('pong') }),
  ]),
);
type Message = z.infer<typeof Message>;
type EventMessage = Extract<Message, { type: 'event' }>;

export type SubscriberOptions = {
  /** Where an instance may be found now. */
  readonly url: () => string;
  readonly key: string;
  /** Streams, or `$mine`. */
  readonly wants: readonly string[];
  readonly random: Random;
  /** Where to begin; 0 if it is left out. */
  readonly after?: number;
  /** Told of every fact that came while its subscription was live. */
  readonly onLive?: (factId: string) => void;
};

type Want = { readonly heard: Heard[]; after?: number | string; first?: string; live: boolean };

/** A ticket stands in for the key in the address, as browsers do it. */
const addressFor = async (
  { url, key, random }: SubscriberOptions,
  signal: AbortSignal,
): Promise<[string, Record<string, string>]> => {
  const base = url();
  const live = `${base.replace('http', 'ws')}/api/live`;
  const authorization = `Bearer ${key}`;
  if (random.next() < 0.8) return [live, { authorization }];
  const answer = await fetch(`${base}/api/live/ticket`, { method: 'POST', headers: { authorization }, signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const { ticket } = z.object({ ticket: z.string() }).parse(await answer.json());
  return [`${live}?ticket=${ticket}`, {}];
};

/** Whoever answers a handshake with nothing is as good as gone. */
const socketOptions = { perMessageDeflate: false, handshakeTimeout: 10_000 } as const;

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #wants: ReadonlyMap<string, Want>;
  readonly #told = new Map<string, number>();
  readonly #left: WebSocket[] = [];
  readonly #running: Promise<void>;
  readonly #ending = new AbortController();
  #socket: WebSocket | undefined;
  #lost = (): void => undefined;
  #resubscribing: string | undefined;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    const from = options.after === undefined ? {} : { after: options.after };
    this.#wants = new Map(options.wants.map((want) => [want, { heard: [], live: false, ...from }]));
    this.#running = this.#run();
  }

  heard(want: string): readonly Heard[] {
    return this.#wants.get(want)?.heard ?? [];
  }

  /** The cursor with which `$mine` began. */
  firstCursor(): string | undefined {
    return this.#wants.get('$mine')?.first;
  }

  isLive(): boolean {
    return this.#wants.values().every(({ live }) => live);
  }

  /** How often it was told an error, refused with a status, or closed with a code. */
  told(what: string | number): number {
    return this.#told.get(String(what)) ?? 0;
  }

  disturb(how: 'close' | 'destroy' | 'abandon' | 'resubscribe'): void {
    const socket = this.#socket;
    if (!socket) return;
    if (how === 'close') socket.close();
    if (how === 'destroy') socket.terminate();
    if (how === 'resubscribe') this.#resubscribe(socket);
    if (how !== 'abandon') return;
    // Half open: the server hears nothing of it, and its client is already somewhere else.
    socket.removeAllListeners('message');
    socket.pause();
    this.#left.push(socket);
    this.#lost();
  }

  /** Asks for what is not theirs. */
  trespass(stream: string): void {
    this.#say(this.#socket, { type: 'subscribe', stream, after: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#left.forEach((socket) => socket.terminate());
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    // A revoked key is final; everything else is waited out.
    for (let failures = 0; !signal.aborted && this.told(401) === 0; failures += 1) {
      try {
        const [address, headers] = await addressFor(this.#options, signal);
        if (await this.#live(new WebSocket(address, { headers, ...socketOptions }))) failures = 0;
      } catch (fault) {
        this.#note(fault instanceof Error ? fault.message : String(fault));
      }
      this.#socket = undefined;
      this.#resubscribing = undefined;
      for (const want of this.#wants.values()) want.live = false;
      const most = Math.min(1_000, 20 * 2 ** failures);
      await pause(this.#options.random.below(most), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One socket from its handshake to its loss; true if it was opened. */
  async #live(socket: WebSocket): Promise<boolean> {
    const { promise: lost, resolve } = Promise.withResolvers<undefined>();
    let opened = false;
    this.#lost = () => resolve(undefined);
    using _ = addAbortListener(this.#ending.signal, this.#lost);
    socket.on('unexpected-response', (request, { statusCode }) => {
      this.#note(statusCode ?? 0);
      request.destroy();
      // Whoever looks at the refusal is told nothing more: neither 'error' nor 'close' follows.
      resolve(undefined);
    });
    socket.on('error', () => resolve(undefined));
    socket.on('close', (code) => {
      this.#note(code);
      resolve(undefined);
    });
    socket.on('message', (data: Buffer) => this.#hear(socket, Message.parse(data.toString())));
    socket.on('open', () => {
      opened = true;
      this.#socket = socket;
      for (const want of this.#wants.keys()) this.#subscribe(socket, want);
    });
    await lost;
    if (this.#ending.signal.aborted) socket.terminate();
    return opened;
  }

  #hear(socket: WebSocket, message: Message): void {
    if (message.type === 'event') this.#take(message);
    if (message.type === 'error') this.#note(message.code);
    if (message.type === 'pong' && this.#resubscribing !== undefined) {
      this.#subscribe(socket, this.#resubscribing);
      this.#resubscribing = undefined;
    }
    const want = message.type === 'live' ? this.#wants.get(message.stream) : undefined;
    if (message.type !== 'live' || !want) return;
    want.live = true;
    if (message.cursor === undefined) return;
    want.after = message.cursor;
    want.first ??= message.cursor;
  }

  #take({ stream, version, subscription, cursor, event }: EventMessage): void {
    const want = this.#wants.get(subscription ?? stream);
    if (!want) throw new Error(`${stream} was not asked for`);
    // Until it has a cursor of `$mine` it stands nowhere: the first one is where its own record begins.
    if (cursor !== undefined && want.first === undefined) {
      want.first = want.after = cursor;
      return;
    }
    want.heard.push({ stream, version, digest: digestOf(event) });
    want.after = cursor ?? version;
    if (want.live) this.#options.onLive?.(event.id);
  }

  #subscribe(socket: WebSocket, stream: string): void {
    const after = this.#wants.get(stream)?.after;
    this.#say(socket, { type: 'subscribe', stream, ...(after === undefined ? {} : { after }) });
  }

  /** What is said is answered in its order: once the pong is here, nothing of the old subscription will come. */
  #resubscribe(socket: WebSocket): void {
    const [stream] = this.#wants.keys();
    if (stream === undefined || this.#resubscribing !== undefined) return;
    this.#resubscribing = stream;
    this.#say(socket, { type: 'unsubscribe', stream });
    this.#say(socket, { type: 'ping' });
  }

  #say(socket: WebSocket | undefined, message: object): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  #note(what: string | number): void {
    this.#told.set(String(what), this.told(what) + 1);
  }
}
