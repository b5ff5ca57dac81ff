/** Brings accepted events to their targets: at least once, whatever happens to this process in between. */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Log } from '#platform/log.ts';
import { transaction } from './database.ts';

/** Hands one event to the queue or topic; rejects when it was not taken. */
export type Send = (targetArn: string, body: string) => Promise<void>;

export type Delivery = { readonly targetArn: string; readonly body: string };

const Pending = z.object({
  id: z.number(),
  target: z.string(),
  body: z.string(),
  attempts: z.number(),
  accepted_at: z.number(),
});
type Pending = z.infer<typeof Pending>;

const batch = 10;
const pauseMs = { first: 100, max: 30_000 } as const;
/** Between two looks at a database that cannot be written. */
const againMs = 1_000;
/** As long as EventBridge tries. */
const giveUpAfterMs = 24 * 3_600_000;

export class Deliveries implements AsyncDisposable {
  readonly #db: DatabaseSync;
  readonly #send: Send;
  readonly #log: Log;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(db: DatabaseSync, send: Send, log: Log, now: () => number = Date.now) {
    this.#db = db;
    this.#send = send;
    this.#log = log;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS deliveries (
      id INTEGER PRIMARY KEY, target TEXT NOT NULL, body TEXT NOT NULL,
      attempts INTEGER NOT NULL, accepted_at INTEGER NOT NULL, due_at INTEGER NOT NULL)`);
    db.exec('CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, id)');
    this.#wake();
  }

  /** Everything is on disk when this returns; the caller may promise the delivery. */
  accept(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    const insert = this.#db.prepare('INSERT INTO deliveries VALUES (NULL, ?, ?, 0, ?, ?)');
    const now = this.#now();
    transaction(this.#db, () => {
      for (const { targetArn, body } of deliveries) insert.run(targetArn, body, now, now);
    });
    this.#wake();
  }

  #wake(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#running ??= this.#deliverDue();
  }

  async #deliverDue(): Promise<void> {
    try {
      const due = this.#db.prepare('SELECT * FROM deliveries WHERE due_at <= ? ORDER BY due_at, id LIMIT ?');
      let rows: readonly Pending[] = [];
      do {
        await Promise.all(rows.map((row) => this.#deliver(row)));
        rows = due.all(this.#now(), batch).map((row) => Pending.parse(row));
      } while (rows.length > 0 && !this.#stopped);
      // Nothing can be accepted between that last look and here.
      this.#running = undefined;
      this.#sleep();
    } catch (err) {
      // On a full disk nothing can be noted down: what was handed over may be handed over again when there is room.
      this.#log.problem('deliveries.not-noted', { err });
      this.#running = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => this.#wake(), againMs);
    }
  }

  #sleep(): void {
    const next = this.#db.prepare('SELECT min(due_at) AS due FROM deliveries').get();
    const { due } = z.object({ due: z.number().nullable() }).parse(next);
    if (due !== null && !this.#stopped) this.#timer = setTimeout(() => this.#wake(), Math.max(0, due - this.#now()));
  }

  async #deliver(row: Pending): Promise<void> {
    try {
      await this.#send(row.target, row.body);
      this.#forget(row);
    } catch (fault) {
      const now = this.#now();
      const told = { target: row.target, attempts: row.attempts + 1, fault: String(fault) };
      if (now - row.accepted_at >= giveUpAfterMs) {
        this.#log.problem('delivery.given-up', told);
        this.#forget(row);
        return;
      }
      this.#log.problem('delivery.failed', told);
      const pause = Math.min(pauseMs.max, pauseMs.first * 2 ** row.attempts);
      this.#db
        .prepare('UPDATE deliveries SET attempts = attempts + 1, due_at = ? WHERE id = ?')
        .run(now + pause, row.id);
    }
  }

  #forget({ id }: Pending): void {
    this.#db.prepare('DELETE FROM deliveries WHERE id = ?').run(id);
  }

  /** Waits for what is being handed over; the rest is delivered by the next process on this database. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
