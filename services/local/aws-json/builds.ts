/** What the CodeBuild stand-in knows of each build, kept in a database. */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

export const BuildStatus = z.enum(['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED']);
export type BuildStatus = z.infer<typeof BuildStatus>;
export type BuildEnd = Exclude<BuildStatus, 'IN_PROGRESS'>;

/** Of CodeBuild's eleven, those that something happens in here. */
const PhaseType = z.enum(['SUBMITTED', 'QUEUED', 'PROVISIONING', 'BUILD', 'FINALIZING', 'COMPLETED']);
export type PhaseType = z.infer<typeof PhaseType>;

/** Times are milliseconds since 1970. The last phase, COMPLETED, has neither an end nor a status. */
export const Phase = z.object({
  type: PhaseType,
  startMs: z.int(),
  endMs: z.int().optional(),
  status: BuildStatus.optional(),
});
export type Phase = z.infer<typeof Phase>;

export const EnvironmentVariable = z.strictObject({
  name: z.string().min(1),
  value: z.string(),
  type: z.enum(['PLAINTEXT', 'PARAMETER_STORE', 'SECRETS_MANAGER']).default('PLAINTEXT'),
});

export const Build = z.object({
  /** `<project>:<uuid>`. */
  id: z.string(),
  arn: z.string(),
  project: z.string(),
  number: z.int().positive(),
  status: BuildStatus,
  phases: z.array(Phase).min(1),
  startMs: z.int(),
  endMs: z.int().optional(),
  sourceVersion: z.string().optional(),
  variables: z.array(EnvironmentVariable),
  timeoutMinutes: z.int().positive(),
  queuedTimeoutMinutes: z.int().positive(),
  /** Where its output is. */
  logPath: z.string(),
});
export type Build = z.infer<typeof Build>;

const Row = z.object({ build: z.string() });
const TokenRow = z.object({ build_id: z.string(), request: z.string() });

/** The protection that an idempotency token gives. */
const tokenLivesMs = 5 * 60_000;

export type Builds = {
  readonly save: (build: Build) => void;
  readonly find: (id: string) => Build | undefined;
  /** Newest first. */
  readonly ids: () => readonly string[];
  readonly unfinished: () => readonly Build[];
  readonly nextNumber: (project: string) => number;
  /** The build that this token started within the last five minutes, and what was asked for then. */
  readonly byToken: (token: string, nowMs: number) => { readonly id: string; readonly request: string } | undefined;
  readonly keepToken: (token: string, id: string, request: string, nowMs: number) => void;
};

export const openBuilds = (db: DatabaseSync): Builds => {
  db.exec(`
    CREATE TABLE IF NOT EXISTS builds (
      seq INTEGER PRIMARY KEY, id TEXT UNIQUE, project TEXT, status TEXT, build TEXT);
    CREATE TABLE IF NOT EXISTS build_tokens (token TEXT PRIMARY KEY, build_id TEXT, request TEXT, at INTEGER);`);
  const parse = (row: unknown): Build => Build.parse(JSON.parse(Row.parse(row).build));
  return {
    save: (build) =>
      db
        .prepare(
          `INSERT INTO builds (id, project, status, build) VALUES (?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET status = excluded.status, build = excluded.build`,
        )
        .run(build.id, build.project, build.status, JSON.stringify(build)),
    find: (id) => {
      const row = db.prepare('SELECT build FROM builds WHERE id = ?').get(id);
      return row && parse(row);
    },
    ids: () =>
      db
        .prepare('SELECT id FROM builds ORDER BY seq DESC')
        .all()
        .map((row) => z.object({ id: z.string() }).parse(row).id),
    unfinished: () => db.prepare("SELECT build FROM builds WHERE status = 'IN_PROGRESS'").all().map(parse),
    nextNumber: (project) =>
      z
        .object({ count: z.int() })
        .parse(db.prepare('SELECT count(*) AS count FROM builds WHERE project = ?').get(project)).count + 1,
    byToken: (token, nowMs) => {
      const row = db.prepare('SELECT * FROM build_tokens WHERE token = ? AND at > ?').get(token, nowMs - tokenLivesMs);
      if (row === undefined) return undefined;
      const { build_id: id, request } = TokenRow.parse(row);
      return { id, request };
    },
    keepToken: (token, id, request, nowMs) =>
      db.prepare('INSERT OR REPLACE INTO build_tokens VALUES (?, ?, ?, ?)').run(token, id, request, nowMs),
  };
};
