/** The run as figures. */
import { parseTaskEvent } from '#events/task.ts';
import { serviceNames } from './control.ts';
import { noticedWithinMs } from './programme.ts';
import type { Run } from './programme.ts';

const factsOf = ({ history }: Run) => [...history.stored.streams.values()].flat();

const rescues = (run: Run) =>
  [...run.history.stored.streams]
    .filter(([stream]) => stream.startsWith('task/'))
    .flatMap(([, facts]) => facts.map(parseTaskEvent))
    .flatMap((fact) => (fact.type === 'TaskInterrupted' && fact.cause === 'worker-lost' ? [fact] : []));

/** After the last kill nobody has died: whatever the dead held is taken back within a lease and a look. */
export const lateRescues = (run: Run): string[] =>
  rescues(run)
    .filter(({ at }) => Date.parse(at) > run.lastKillAt + noticedWithinMs)
    .map(({ stream, at }) => `${stream} at ${at}`);

export const countsOf = (run: Run): Record<string, number | string> => {
  const { kills, swept, history, lastKillAt } = run;
  const submits = Map.groupBy(
    history.operations.filter(({ what }) => what === 'submit'),
    ({ outcome }) => outcome,
  );
  const after = rescues(run).map(({ at }) => Date.parse(at) - lastKillAt);
  const sum = (part: 'died' | 'missed' | 'left') =>
    serviceNames.reduce((all, service) => all + run.swept[service][part].length, 0);
  return {
    'kills at points': kills.atPoints,
    'kills at random': kills.random,
    'kills of the whole tree': kills.tree,
    'points found': serviceNames.map((name) => `${name} ${Object.values(swept[name]).flat().length}`).join(', '),
    'points died at': sum('died'),
    'points not reached': sum('missed'),
    'points left for want of time': sum('left'),
    'submits acknowledged': submits.get('ok')?.length ?? 0,
    'submits unknown': submits.get('unknown')?.length ?? 0,
    'submits refused': submits.get('fail')?.length ?? 0,
    reads: history.operations.filter(({ what }) => what === 'read').length,
    tasks: [...history.stored.streams.keys()].filter((stream) => stream.startsWith('task/')).length,
    facts: factsOf(run).length,
    announced: history.announced?.length ?? 0,
    subscribers: history.watched?.length ?? 0,
    'tasks taken from dead workers': after.length,
    'the last of them, s after the last kill': Math.max(0, ...after) / 1000,
  };
};
