/** Plays behaviours of the demo agent to a test, and sees to it that a family leaves none out. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { behaviours } from '../../../../services/local/demo-agent/behaviours.ts';
import type { FaultFamily } from '../../../../services/local/demo-agent/behaviours.ts';
import { RawClient, temporaryFolder } from './raw-client.ts';
import type { ClientOptions } from './raw-client.ts';

export type Play = {
  readonly client: RawClient;
  readonly sessionId: string;
  /** Resolves with the stop reason of one turn. */
  readonly turn: (prompt?: string) => Promise<string>;
};

export type PlayOptions = Omit<ClientOptions, 'home' | 'args'> & { readonly amount?: number };

/** One behaviour before the handshake: nothing has been asked of the agent yet. */
export type PlaysFromStart = (name: string, promise: string, check: (client: RawClient) => Promise<void>) => void;

/** One behaviour in a session that is open. */
export type Plays = (
  name: string,
  promise: string,
  check: (play: Play) => Promise<void>,
  options?: PlayOptions,
) => void;

export const playsOf = (family: FaultFamily): { playsFromStart: PlaysFromStart; plays: Plays } => {
  const named = behaviours.filter((row) => row.family === family).map(({ name }) => name);
  const played = new Set<string>();
  after(() => assert.deepEqual([...played].toSorted(), named.toSorted(), 'every behaviour has a test'));

  const withAgent = (name: string, promise: string, check: (client: RawClient) => Promise<void>, play: PlayOptions) => {
    const { amount, ...options } = play;
    played.add(name);
    it(`${name}: ${promise}`, async () => {
      using home = temporaryFolder();
      mkdirSync(join(home.path, 'work'));
      const behave = amount === undefined ? name : `${name}:${amount}`;
      await using client = new RawClient({ ...options, home: home.path, args: [`--behave=${behave}`] });
      await check(client);
    });
  };
  return {
    playsFromStart: (name, promise, check) => withAgent(name, promise, check, {}),
    plays: (name, promise, check, options = {}) => {
      const inSession = async (client: RawClient) => {
        const sessionId = await client.open();
        await check({ client, sessionId, turn: (prompt = 'reverse abcdefg') => client.prompt(sessionId, prompt) });
      };
      withAgent(name, promise, inSession, options);
    },
  };
};
