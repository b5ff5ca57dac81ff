/** Agents with a point on both sides of everything that is asked of them, and one before each thing they say. */
import type { Agent } from '#platform/agent/agent.ts';
import { agentStarter as starterFrom } from '#platform/agent/start-agent.ts';
import { pass, passing } from './points.ts';

const around = (agent: Agent): Agent => ({
  get info() {
    return agent.info;
  },
  exited: agent.exited,
  startConversation: (start) => {
    const how = start.resume === undefined ? 'new' : 'resumed';
    return passing(`agent.startConversation ${how}`, () => agent.startConversation(start));
  },
  runTurn: ({ onUpdate, ...turn }, signal) => {
    const hear: typeof onUpdate = (update) => {
      pass(`agent.update ${update.kind} before`);
      onUpdate(update);
    };
    return passing('agent.runTurn', () => agent.runTurn({ ...turn, onUpdate: hear }, signal));
  },
  stop: () => passing('agent.stop', () => agent.stop()),
  [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
});

export const agentStarter: typeof starterFrom = (settings) => {
  const start = starterFrom(settings);
  return (signal) => passing('agent.start', async () => around(await start(signal)));
};
