/** The store on DynamoDB: facts, log and dedupe items in one table, the rows of each kind in a table of their own. */
import type { Store } from '../store.ts';
import { appendWith } from './append.ts';
import type { AppendDeps } from './append.ts';
import { commitMemory } from './commit-memory.ts';
import { factsFrom } from './facts.ts';
import { listWith } from './list.ts';
import { rowsFrom } from './rows.ts';

export const dynamoStore = (options: AppendDeps): Store => {
  const { client, names, shards } = options;
  const commits = commitMemory();
  const facts = factsFrom(client, names, commits);
  const rows = rowsFrom(client, names);
  return {
    shards,
    append: appendWith(options, facts, rows, commits),
    readStream: facts.readStream,
    readRow: rows.readRow,
    markRow: rows.markRow,
    listRows: listWith(client, names),
    readLog: facts.readLog,
    readHead: facts.readHead,
  };
};
