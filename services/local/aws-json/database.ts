/** The file behind the stand-in; it holds secrets, so nobody else on this machine may read it. */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Without a file everything is gone with the process. */
export const openDatabase = (file?: string): DatabaseSync => {
  if (file === undefined) return new DatabaseSync(':memory:');
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file);
  // SQLite gives the files it makes beside this one the same permissions.
  db.exec('PRAGMA journal_mode = WAL');
  return db;
};

/** All of `work` or nothing; inside another transaction, it is a part of that. */
export const transaction = (db: DatabaseSync, work: () => void): void => {
  if (db.isTransaction) {
    work();
    return;
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (fault) {
    db.exec('ROLLBACK');
    throw fault;
  }
};
