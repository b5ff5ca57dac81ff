/** Where a reader's effects and its cursor are kept together: one file, one transaction, so that SIGKILL leaves both or neither. */
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';

/** What a reader did because of one commit; of an index, `position` is the time by which it is ordered. */
const Effect = z.object({ shard: z.int(), position: z.int(), stream: StreamId });
export type Effect = z.infer<typeof Effect>;

const Cursors = z.array(z.object({ shard: z.int(), position: z.int() }));
const Count = z.object({ count: z.int() });

/** Nothing here has a key that would swallow a second effect: what happens twice is there twice, to be counted. */
const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF; -- A process that dies loses nothing by it.
  CREATE TABLE IF NOT EXISTS effects (shard INTEGER, position INTEGER, stream TEXT);
  CREATE TABLE IF NOT EXISTS sightings (position INTEGER);
  CREATE TABLE IF NOT EXISTS cursors (shard INTEGER PRIMARY KEY, position INTEGER);`;

export const openSink = (path: string, diesAtCommit?: number) => {
  const db = new DatabaseSync(path);
  db.exec(schema);
  const insert = db.prepare('INSERT INTO effects VALUES (?, ?, ?)');
  const see = db.prepare('INSERT INTO sightings VALUES (?)');
  const move = db.prepare('INSERT OR REPLACE INTO cursors VALUES (?, ?)');
  const cursors = db.prepare('SELECT * FROM cursors');
  const count = (table: string) => Count.parse(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()).count;
  let commits = 0;
  return {
    /** Notes that the reader was given something, whatever becomes of it. */
    see: (position: number): void => void see.run(position),
    /** The effects and the cursor that says so, at once. */
    commit: (effects: readonly Effect[], shard: number, cursor: number): void => {
      commits += 1;
      if (commits === diesAtCommit) process.kill(process.pid, 'SIGKILL');
      db.exec('BEGIN IMMEDIATE');
      for (const effect of effects) insert.run(effect.shard, effect.position, effect.stream);
      move.run(shard, cursor);
      db.exec('COMMIT');
    },
    cursor: (): ReadonlyMap<number, number> =>
      new Map(Cursors.parse(cursors.all()).map(({ shard, position }) => [shard, position])),
    /** In the order in which they happened. */
    effects: (): readonly Effect[] => z.array(Effect).parse(db.prepare('SELECT * FROM effects ORDER BY rowid').all()),
    sightings: (): number => count('sightings'),
    [Symbol.dispose]: (): void => db.close(),
  };
};
