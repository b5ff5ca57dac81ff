/** The buses, rules and targets of the EventBridge stand-in, kept in a database. */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { EventPattern } from '#platform/eventbridge/routing.ts';
import { matches } from './pattern.ts';

const RuleRow = z.object({ name: z.string(), pattern: z.string(), state: z.enum(['ENABLED', 'DISABLED']) });
type RuleRow = z.infer<typeof RuleRow>;
const TargetRow = z.object({ id: z.string(), arn: z.string() });
type TargetRow = z.infer<typeof TargetRow>;

const sql = `
  CREATE TABLE IF NOT EXISTS buses (name TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS rules (bus TEXT, name TEXT, pattern TEXT, state TEXT, PRIMARY KEY (bus, name));
  CREATE TABLE IF NOT EXISTS targets (bus TEXT, rule TEXT, id TEXT, arn TEXT, PRIMARY KEY (bus, rule, id));
  INSERT OR IGNORE INTO buses VALUES ('default');`;

export type Rules = {
  readonly hasBus: (bus: string) => boolean;
  readonly addBus: (bus: string) => void;
  readonly rules: (bus: string) => readonly RuleRow[];
  readonly putRule: (bus: string, rule: RuleRow) => void;
  readonly deleteRule: (bus: string, rule: string) => void;
  readonly targets: (bus: string, rule: string) => readonly TargetRow[];
  readonly putTarget: (bus: string, rule: string, target: TargetRow) => void;
  readonly removeTarget: (bus: string, rule: string, id: string) => void;
  /** The targets of every rule of this bus that matches the event, as ARNs. */
  readonly targetsFor: (bus: string, event: Readonly<Record<string, unknown>>) => readonly string[];
};

export const openRules = (db: DatabaseSync): Rules => {
  db.exec(sql);
  const rules = (bus: string) =>
    db
      .prepare('SELECT * FROM rules WHERE bus = ? ORDER BY name')
      .all(bus)
      .map((row) => RuleRow.parse(row));
  const targets = (bus: string, rule: string) =>
    db
      .prepare('SELECT * FROM targets WHERE bus = ? AND rule = ? ORDER BY id')
      .all(bus, rule)
      .map((row) => TargetRow.parse(row));
  return {
    hasBus: (bus) => db.prepare('SELECT 1 FROM buses WHERE name = ?').get(bus) !== undefined,
    addBus: (bus) => db.prepare('INSERT INTO buses VALUES (?)').run(bus),
    rules,
    putRule: (bus, { name, pattern, state }) =>
      db.prepare('INSERT OR REPLACE INTO rules VALUES (?, ?, ?, ?)').run(bus, name, pattern, state),
    deleteRule: (bus, rule) => db.prepare('DELETE FROM rules WHERE bus = ? AND name = ?').run(bus, rule),
    targets,
    putTarget: (bus, rule, { id, arn }) =>
      db.prepare('INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?)').run(bus, rule, id, arn),
    removeTarget: (bus, rule, id) =>
      db.prepare('DELETE FROM targets WHERE bus = ? AND rule = ? AND id = ?').run(bus, rule, id),
    targetsFor: (bus, event) =>
      rules(bus)
        .filter(({ state, pattern }) => state === 'ENABLED' && matches(EventPattern.parse(JSON.parse(pattern)), event))
        .flatMap(({ name }) => targets(bus, name).map(({ arn }) => arn)),
  };
};
