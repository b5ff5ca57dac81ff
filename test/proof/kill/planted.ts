/** Bugs as people make them, each between a service and its ports: the checker is worth what it says of them. */
import type { StoredFact } from '#platform/store.ts';
import { silent } from '#platform/log.ts';
import { shardOf } from '#platform/shard.ts';
import type { Append } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { Plant, Ports } from './simulation.ts';

const withAppend = (ports: Ports, append: Append): Ports => ({ ...ports, store: { ...ports.store, append } });

/** The API says that it has the task, and writes it down a moment later. */
export const acknowledgesFirst: Plant = {
  ports: (service, ports) => {
    if (service !== 'api') return ports;
    const { append, shards } = ports.store;
    return withAppend(ports, async (stream, expected, facts, options) => {
      setTimeout(() => void append(stream, expected, facts, options), 2);
      return { outcome: 'appended', commit: { shard: shardOf(stream, shards), position: 1, stream, facts } };
    });
  },
};

/** Whatever the stream holds by now, the worker writes behind it what it had decided before. */
export const writesUnconditionally: Plant = {
  ports: (service, ports) => {
    if (service !== 'worker') return ports;
    const { append, readRow } = ports.store;
    return withAppend(ports, async (stream, expected, facts, options) => {
      const written = await append(stream, expected, facts, options);
      if (written.outcome !== 'conflict' && written.outcome !== 'fenced') return written;
      const version = (await readRow(stream))?.version ?? 0;
      const moved = facts.map((fact, index): StoredFact => ({ ...fact, version: version + index + 1 }));
      return append(stream, version, moved, { row: options.row });
    });
  },
};

/** An answer that does not come is taken for a failure, and the write is made anew: the version is free again, the fact another. */
export const writesAgain: Plant = {
  ports: (service, ports) => {
    if (service !== 'worker') return ports;
    const { append } = ports.store;
    return withAppend(ports, async (stream, expected, facts, options) => {
      const written = await append(stream, expected, facts, options);
      if (written.outcome !== 'appended' || facts[0]?.type !== 'TaskProgressed') return written;
      const again = facts.map((fact, index): StoredFact => ({
        ...fact,
        id: fact.id.replace(/^./, (digit) => (digit === 'f' ? '0' : 'f')),
        version: expected + facts.length + index + 1,
      }));
      return append(stream, expected + facts.length, again, { row: options.row });
    });
  },
};

/** The relay remembers how far it is before it has told anybody. */
export const remembersFirst: Plant = {
  relay: ({ store, publish }, { wakes }) => {
    return ({ shard, position, remember }, signal) =>
      subscribe(
        {
          ...{ readLog: store.readLog, onWake: wakes.onWake, pollMs: 20, log: silent },
          cursor: new Map([[shard, position]]),
          apply: async (commit) => {
            await remember(commit.position);
            await publish(commit.facts);
          },
        },
        signal,
      );
  },
};

/** The row of a task that is over forgets what was reported. */
export const forgetsInTheRow: Plant = {
  ports: (service, ports) => {
    if (service !== 'worker') return ports;
    const { append } = ports.store;
    return withAppend(ports, (stream, expected, facts, options) => {
      const isOver = facts.some(({ type }) => type === 'TaskCompleted');
      return append(stream, expected, facts, isOver ? { ...options, row: { ...options.row, seq: 0 } } : options);
    });
  },
};
