/** The store on DynamoDB: facts, log and dedupe items in one table, the rows of each kind in a table of their own. */
import type { Store } from '../store.ts';
import { appendWith } from './append.ts';
import type { AppendDeps } from './append.ts';
import { factsFrom } from './facts.ts';
import { listWith } from './list.ts';
import { rowsFrom } from './rows.ts';

export const dynamoStore = (options: AppendDeps): Store => {
  const { client, names, shards } = options;
  const facts = factsFrom(client, names);
  const rows = rowsFrom(client, names);
  return {
    shards,
    append: appendWith(options, facts, rows),
    readStream: facts.readStream,
    readRow: rows.readRow,
    markRow: rows.markRow,
    listRows: listWith(client, names),
    readLog: facts.readLog,
    readHead: facts.readHead,
  };
};
