/** What a user would do instead: an agent process for every request. The same prompts, one by one and five at once. */
import { byEffort } from '#test/proof/effort.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { startBareAgent } from './bare-agent.ts';
import { ratio } from './figure.ts';
import type { Figure } from './figure.ts';
import { agentCommand } from './first-word.ts';
import { closedLoop } from './load.ts';
import type { Load, Loaded } from './load.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { message } from './recorded.ts';
import { interleave } from './rounds.ts';

const loads: readonly Load[] = [
  { concurrency: 1, operations: byEffort({ ci: 3, full: 10 }) },
  { concurrency: 5, operations: byEffort({ ci: 10, full: 30 }) },
];

export const withoutService: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const data = opened.use(await temporaryDir());
  const work = opened.use(await temporaryDir());
  const env = { AGENT_COMMAND: agentCommand.join(' '), RATE_PER_SECOND: '1000' };
  const system = opened.use(await startSystem(data.path, env));

  const throughSystem = async (): Promise<void> => {
    const { status } = await system.outcome(await system.submit(message));
    if (status !== 'completed') throw new Error(`a task was ${status}`);
  };
  const alone = async (): Promise<void> => {
    await using agent = await startBareAgent(agentCommand, work.path);
    await agent.prompt(message);
  };
  const figures: Figure[] = [];
  for (const load of loads) {
    progress(`request to result, ${load.concurrency} at once`);
    const sides = [() => closedLoop(load, throughSystem), () => closedLoop(load, alone)];
    await interleave(1, sides);
    const [ours = [], theirs = []] = await interleave(rounds, sides);
    const of = (pick: (loaded: Loaded) => number) => ({ ours: ours.map(pick), theirs: theirs.map(pick) });
    const what = `request to result, ${load.concurrency} at once`;
    const compared = { with: 'an agent process per request' };
    figures.push(
      ratio({ what: `${what}: p50`, unit: 'ms', ...of(({ p50Ms }) => p50Ms), ...compared }),
      ratio({ what, unit: '/s', ...of(({ perSecond }) => perSecond), ...compared }),
    );
  }
  return figures;
};
