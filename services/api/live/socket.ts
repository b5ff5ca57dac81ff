/** One live channel: what a client asks for, pulled from the store and the hub as fast as the client reads it. */
import type { RawData, WebSocket } from 'ws';
import { fullJitter, pause } from '#platform/backoff.ts';
import type { Principal } from '#platform/http/principal.ts';
import type { Log } from '#platform/log.ts';
import type { Access } from './access.ts';
import { openFeed } from './feed.ts';
import type { Feed, FeedParts, Position } from './feed.ts';
import { createOutlet } from './outlet.ts';
import type { Outlet, SlowLimits } from './outlet.ts';
import { ClientMessage, closeCodes, errorMessage, pong } from './protocol.ts';
import type { Subscribe } from './protocol.ts';

export type SocketLimits = SlowLimits & {
  readonly subscriptionsMax: number;
  /** How long a client may take to answer our close before it is cut off. */
  readonly graceMs: number;
};

export type SocketParts = FeedParts & { readonly access: Access; readonly log: Log; readonly limits: SocketLimits };

type Subscription = { readonly stop: AbortController; position: Position; live: boolean };

export class LiveSocket {
  readonly #socket: WebSocket;
  readonly #principal: Principal;
  readonly #parts: SocketParts;
  readonly #outlet: Outlet;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #held = new DisposableStack();
  readonly #closing = new AbortController();
  #heard: Promise<void> = Promise.resolve();
  #alive = true;

  constructor(socket: WebSocket, principal: Principal, parts: SocketParts) {
    this.#socket = socket;
    this.#principal = principal;
    this.#parts = parts;
    this.#outlet = this.#held.use(createOutlet(socket, parts.limits, () => this.#endSlow()));
    this.#held.use(
      parts.access.hold(principal, () => this.close(closeCodes.keyGone, 'the key or its role has changed')),
    );
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('pong', () => (this.#alive = true));
    socket.on('close', () => this.#end());
    // A frame that breaks the protocol or is too large: ws closes the socket itself, with the code that says so.
    socket.on('error', () => undefined);
  }

  /** Cuts a client off that has not answered since the last call. */
  ping(): void {
    if (this.#alive) this.#socket.ping();
    else this.#socket.terminate();
    this.#alive = false;
  }

  close(code: number, reason: string): void {
    if (this.#isClosing()) return;
    this.#closing.abort();
    for (const { stop } of this.#subscriptions.values()) stop.abort();
    this.#socket.close(code, reason);
    const cut = setTimeout(() => this.#socket.terminate(), this.#parts.limits.graceMs);
    this.#held.defer(() => clearTimeout(cut));
  }

  /** Asked again after every wait. */
  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  #end(): void {
    for (const { stop } of this.#subscriptions.values()) stop.abort();
    this.#closing.abort();
    this.#held.dispose();
  }

  /** One message after the other, each once its answer has room: what a client sends meanwhile waits in its own socket. */
  #hear(data: RawData, isBinary: boolean): void {
    this.#socket.pause();
    const hear = async (): Promise<void> => {
      await this.#outlet.room(this.#closing.signal);
      const reply = this.#isClosing() ? undefined : await this.#answer(data, isBinary);
      if (reply && !this.#isClosing()) this.#outlet.send(reply);
      this.#socket.resume();
    };
    this.#heard = this.#heard.then(hear);
  }

  async #answer(data: RawData, isBinary: boolean): Promise<Buffer | undefined> {
    const parsed = ClientMessage.safeParse(!isBinary && Buffer.isBuffer(data) ? data.toString('utf8') : undefined);
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
      return errorMessage('invalid-message', issues.join('; '));
    }
    switch (parsed.data.type) {
      case 'subscribe':
        return this.#subscribe(parsed.data);
      case 'unsubscribe':
        return this.#unsubscribe(parsed.data.stream);
      case 'ping':
        return pong;
    }
  }

  async #subscribe(asked: Subscribe): Promise<Buffer | undefined> {
    const { stream } = asked;
    const { limits, log } = this.#parts;
    if (this.#subscriptions.has(stream)) return errorMessage('already-subscribed', 'unsubscribe first', { stream });
    if (this.#subscriptions.size >= limits.subscriptionsMax) {
      return errorMessage('too-many-subscriptions', `the most is ${limits.subscriptionsMax}`, { stream });
    }
    const opened = await openFeed(asked, this.#principal, this.#parts).catch((err: unknown) => {
      log.problem('channel.refused', { err, stream });
      return { ok: false, code: 'unavailable', message: 'the store does not answer' } as const;
    });
    if (!opened.ok) return errorMessage(opened.code, opened.message, { stream });
    if (this.#isClosing()) return undefined;
    const subscription = { stop: new AbortController(), position: opened.after, live: false };
    this.#subscriptions.set(stream, subscription);
    void this.#pump(stream, opened.feed, subscription);
    return undefined;
  }

  #unsubscribe(stream: string): Buffer | undefined {
    const subscription = this.#subscriptions.get(stream);
    if (!subscription) return errorMessage('not-subscribed', 'there is nothing to end', { stream });
    this.#subscriptions.delete(stream);
    subscription.stop.abort();
    return undefined;
  }

  /** Sends until it is stopped. A store that does not answer delays what follows; nothing is left out. */
  async #pump(stream: string, feed: Feed, subscription: Subscription): Promise<void> {
    const { signal } = subscription.stop;
    const stopped = (): boolean => signal.aborted;
    for (let failures = 0; !stopped(); failures += 1) {
      try {
        await this.#outlet.room(signal);
        for await (const { bytes, position, live } of feed(subscription.position, signal)) {
          // Asked again after the wait, so that all subscriptions together exceed the limit by no more than a message.
          while (!this.#outlet.hasRoom() && !stopped()) await this.#outlet.room(signal);
          if (stopped()) break;
          if (!live || !subscription.live) this.#outlet.send(bytes);
          subscription.live ||= live;
          subscription.position = position;
          failures = 0;
        }
      } catch (err) {
        this.#parts.log.problem('channel.interrupted', { err, stream, failures });
        await pause(fullJitter(failures, 250, 5_000), signal);
      }
    }
  }

  #endSlow(): void {
    for (const [stream, { position }] of this.#subscriptions) {
      const resume = position === undefined ? {} : { resume: { stream, after: position } };
      this.#outlet.send(errorMessage('too-slow', 'read faster, or follow less', { stream, ...resume }));
    }
    this.#parts.log('channel.too-slow', { accountId: this.#principal.accountId });
    this.close(closeCodes.tryLater, 'too slow');
  }
}
