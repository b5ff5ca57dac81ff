/** Ports that die with their service: from one call on nothing that it does reaches anything, and nothing reaches it. */
import type { Agent, StartAgent, TurnEnd } from '#platform/agent/agent.ts';
import type { Store } from '#platform/store.ts';
import type { ServiceName } from './control.ts';
import type { Ports } from './simulation.ts';

/** What becomes of a service at a point: it goes on, it dies, or it stands still until it is woken. */
export type Fate = 'goes on' | 'dies' | 'sleeps';

/** Says what happens at which point, and remembers all that were passed. */
export type Points = { readonly pass: (point: string) => Fate; readonly passed: ReadonlySet<string> };

/** It happens at the first passing of `point`; without one, nothing does. */
export const pointsWith = (point?: string, fate: Fate = 'dies'): Points => {
  const passed = new Set<string>();
  let armed = point;
  return {
    passed,
    pass: (name) => {
      passed.add(name);
      if (name !== armed) return 'goes on';
      armed = undefined;
      return fate;
    },
  };
};

export type Mortal = {
  readonly isDead: () => boolean;
  readonly died: Promise<void>;
  /** It stands still in the middle of its work. */
  readonly slept: Promise<void>;
  readonly wake: () => void;
  /** A call that is a point on both sides. The dead are told whatever lets them come to an end soonest. */
  readonly at: <Args extends unknown[], Answer>(
    name: string | ((...args: Args) => string),
    call: (...args: Args) => Promise<Answer>,
    told: Answer,
  ) => (...args: Args) => Promise<Answer>;
  readonly ports: (ports: Ports) => Ports;
};

export const mortal = (service: ServiceName, points: Points): Mortal => {
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  const { promise: slept, resolve: sleep } = Promise.withResolvers<void>();
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  let dead = false;
  let asleep = false;
  /** True for the dead. Whoever sleeps does nothing at all, wherever else it was at work. */
  const pass = async (point: string): Promise<boolean> => {
    const fate = dead || asleep ? 'goes on' : points.pass(`${service} ${point}`);
    if (fate === 'dies') {
      dead = true;
      die();
    }
    if (fate === 'sleeps') {
      asleep = true;
      sleep();
    }
    if (asleep) await woken;
    return dead;
  };
  const at: Mortal['at'] =
    (name, call, told) =>
    async (...args) => {
      const point = typeof name === 'string' ? name : name(...args);
      if (await pass(`${point} before`)) return told;
      const answer = await call(...args);
      return (await pass(`${point} after`)) ? told : answer;
    };
  return { isDead: () => dead, died, slept, wake, at, ports: (ports) => portsAt(at, ports) };
};

const storeAt = (at: Mortal['at'], store: Store): Store => ({
  shards: store.shards,
  append: at((_stream, _expected, facts) => `store.append ${facts[0]?.type ?? ''}`, store.append, {
    outcome: 'fenced',
  }),
  readStream: at('store.readStream', store.readStream, []),
  readRow: at('store.readRow', store.readRow, undefined),
  markRow: at('store.markRow', store.markRow, 'refused'),
  listRows: at('store.listRows', store.listRows, { rows: [] }),
  readLog: at('store.readLog', store.readLog, []),
  readHead: at('store.readHead', store.readHead, 0),
});

const cancelled: TurnEnd = { outcome: 'cancelled' };

const agentAt = (at: Mortal['at'], agent: Agent): Agent => ({
  ...agent,
  startConversation: at('agent.startConversation', agent.startConversation, { id: 'none', resumed: false }),
  runTurn: at('agent.runTurn', agent.runTurn, cancelled),
  stop: at('agent.stop', agent.stop, { stages: [], durationMs: 0 }),
});

const portsAt = (at: Mortal['at'], { store, runtime, artifacts, publish, startAgent }: Ports): Ports => {
  const start: StartAgent = async (signal) => agentAt(at, await startAgent(signal));
  return {
    store: storeAt(at, store),
    runtime: {
      ...runtime,
      claimShard: at('runtime.claimShard', runtime.claimShard, undefined),
      rememberPosition: at('runtime.rememberPosition', runtime.rememberPosition, 'lost'),
      releaseShard: at('runtime.releaseShard', runtime.releaseShard, undefined),
    },
    artifacts: {
      put: at('artifacts.put', artifacts.put, undefined),
      get: at('artifacts.get', artifacts.get, new Uint8Array()),
    },
    publish: at('bus.publish', publish, undefined),
    startAgent: start,
  };
};
