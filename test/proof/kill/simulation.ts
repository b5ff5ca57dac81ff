/**
 * The same system in one process, on memory adapters: api, projector and worker as they are, over ports that can die. A dead
 * incarnation reaches nothing any more, whatever it still does; its successor starts on what is stored. What takes seconds
 * with real processes takes milliseconds here, and happens the same way every time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { WorkerId } from '#events/ids.ts';
import type { StreamId } from '#events/envelope.ts';
import type { StartAgent } from '#platform/agent/agent.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import type { PublishFacts } from '#platform/eventbridge/publisher.ts';
import { silent } from '#platform/log.ts';
import type { Runtime } from '#platform/runtime.ts';
import type { Store } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { relay, relaySubscription } from '../../../services/projector/relay.ts';
import { sharedShards } from '../../../services/projector/shards.ts';
import type { Follow } from '../../../services/projector/shards.ts';
import { createWorker } from '../../../services/worker/service.ts';
import type { Hint } from '../../../services/worker/dispatch.ts';
import { createWorld, startApi } from '#test/services/api/world.ts';
import type { TestApi, World } from '#test/services/api/world.ts';
import type { FactName, Stored } from '#test/support/history.ts';
import { scriptedAgents } from '#test/support/scripted-agent.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import type { ServiceName } from './control.ts';
import { mortal } from './mortal.ts';
import type { Mortal, Points } from './mortal.ts';

/** What a service stands on. */
export type Ports = {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly artifacts: Artifacts;
  readonly publish: PublishFacts;
  readonly startAgent: StartAgent;
};

/** A bug put between one service and its ports, and where a whole part is to be replaced, that part. */
export type Plant = {
  readonly ports?: (service: ServiceName, ports: Ports) => Ports;
  readonly relay?: (ports: Ports, world: World) => Follow;
};

export type SimulationOptions = { readonly script: Script; readonly points: Points; readonly plant?: Plant };

/** More than a lease: whoever died before it is known to be dead after it. */
const leaseMs = 31_000;
const pollMs = 20;
/** Time enough for the successor to do everything again. */
const sleepMs = 150;

type Running = { readonly mortal: Mortal; readonly over: Promise<void>; readonly stop: () => void };

export class Simulation implements AsyncDisposable {
  readonly world: World;
  readonly announced: FactName[] = [];
  readonly #options: SimulationOptions;
  readonly #messages: StreamId[] = [];
  readonly #running = new Map<ServiceName, Running>();
  #api: TestApi | undefined;
  #arrived = Promise.withResolvers<void>();
  readonly #remembered = new Map<number, number>();
  readonly #sleepers: Promise<void>[] = [];
  #ending = false;

  private constructor(world: World, options: SimulationOptions) {
    this.world = world;
    this.#options = options;
  }

  static async start(options: SimulationOptions): Promise<Simulation> {
    const simulation = new Simulation(await createWorld(), options);
    for (const service of ['api', 'projector', 'worker'] as const) await simulation.#start(service);
    return simulation;
  }

  /** The API, or nothing while it is dead. */
  get api(): TestApi | undefined {
    return this.#running.get('api')?.mortal.isDead() === false ? this.#api : undefined;
  }

  /** Ends a service as SIGTERM would. */
  async stop(service: ServiceName): Promise<void> {
    const running = this.#running.get(service);
    running?.stop();
    await running?.over;
  }

  /** Ends a service, and starts another one a lease later. */
  async restart(service: ServiceName): Promise<void> {
    await this.stop(service);
    await this.#replace(service);
  }

  async #start(service: ServiceName): Promise<void> {
    const { points, plant, script } = this.#options;
    const self = mortal(service, points);
    const { store, artifacts } = this.world;
    const runtime = this.#runtime;
    const publish: PublishFacts = async (facts) => this.#accept(facts);
    const ports = self.ports({ store, runtime, artifacts, publish, startAgent: scriptedAgents(script).start });
    const planted = plant?.ports?.(service, ports) ?? ports;
    const stop = new AbortController();
    const over = { api: this.#runApi, projector: this.#runProjector, worker: this.#runWorker }[service].call(
      this,
      planted,
      self,
      stop.signal,
    );
    this.#running.set(service, { mortal: self, over, stop: () => stop.abort() });
    void self.died.then(async () => {
      // Who dies on its way out is replaced by whoever asked it to stop.
      if (stop.signal.aborted) return;
      stop.abort();
      await over;
      await this.#replace(service);
    });
    void self.slept.then(() =>
      this.#sleepers.push(this.#wakeLater(service, { mortal: self, over, stop: () => stop.abort() })),
    );
  }

  /** It wakes up when its successor has done everything again, ends its work, and stops. */
  async #wakeLater(service: ServiceName, { mortal: self, over, stop }: Running): Promise<void> {
    await this.#replace(service);
    await pause(sleepMs);
    self.wake();
    await pause(sleepMs);
    stop();
    await over;
  }

  /** Resolves when nobody sleeps any more. */
  async awake(): Promise<void> {
    await Promise.all(this.#sleepers);
  }

  /** A lease later there is another one. */
  async #replace(service: ServiceName): Promise<void> {
    if (this.#ending) return;
    this.world.time.now += leaseMs;
    await this.#start(service);
  }

  readonly #runApi = async ({ store, runtime, artifacts }: Ports, _: Mortal, stop: AbortSignal): Promise<void> => {
    const api = await startApi(this.world, { over: { store, notes: runtime, artifacts } });
    this.#api = api;
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    this.#api = undefined;
    api.stop.abort();
    await api[Symbol.asyncDispose]();
  };

  readonly #runProjector = async (ports: Ports, _: Mortal, stop: AbortSignal): Promise<void> => {
    const { store, runtime, publish } = ports;
    const holder = uuidv7(this.world.clock());
    const { shards } = store;
    const follow =
      this.#options.plant?.relay?.(ports, this.world) ??
      relay({ readLog: store.readLog, onWake: this.world.wakes.onWake, pollMs, publish, log: silent });
    const options = { runtime, holder, shards, subscription: relaySubscription, leaseMs: 10_000, log: silent };
    await sharedShards(options).run(follow, stop);
  };

  readonly #runWorker = async (ports: Ports, self: Mortal, stop: AbortSignal): Promise<void> => {
    const { clock, wakes } = this.world;
    const worker = createWorker({
      ...{ store: ports.store, artifacts: ports.artifacts, startAgent: ports.startAgent, onWake: wakes.onWake },
      ...{ workerId: WorkerId.parse(uuidv7(clock())), graceMs: 0, confirmMs: 0, clock, log: silent },
      takeHint: (signal) => this.#takeHint(self, signal),
      directories: { prepare: async (sessionId) => `/sessions/${sessionId}`, sweep: async () => 0 },
      settings: { sessionsMax: 5, idleMs: 600_000, tasksMax: 50, contextPercentMax: 90, spares: 0 },
    });
    await worker.run(stop);
  };

  /** The bus with its rule: every message comes twice, as messages do. */
  #accept(facts: readonly { readonly stream: StreamId; readonly version: number; readonly type: string }[]): void {
    this.announced.push(...facts.map(({ stream, version }) => ({ stream, version })));
    for (const { stream, type } of facts)
      if (type === 'TaskSubmitted' || type === 'TaskRetried') this.#messages.push(stream, stream);
    this.#arrived.resolve();
  }

  async #takeHint(self: Mortal, signal: AbortSignal): Promise<Hint | undefined> {
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    while (!signal.aborted) {
      const stream = this.#messages.shift();
      if (stream !== undefined) {
        const done = self.at('queue.done', async () => undefined, undefined);
        const taken = self.at('queue.take', async () => stream, undefined);
        return (await taken()) && { stream, extend: async () => undefined, done };
      }
      this.#arrived = Promise.withResolvers();
      await Promise.race([this.#arrived.promise, aborted]);
    }
    return undefined;
  }

  /** How far the relay has come, as it says. */
  get remembered(): readonly number[] {
    return Array.from({ length: this.world.store.shards }, (_, shard) => this.#remembered.get(shard) ?? 0);
  }

  /** The runtime of the world, listened to. */
  get #runtime(): Runtime {
    const { runtime } = this.world;
    return {
      ...runtime,
      rememberPosition: async (subscription, shard, holder, position) => {
        const remembered = await runtime.rememberPosition(subscription, shard, holder, position);
        if (remembered === 'remembered') this.#remembered.set(shard, position);
        return remembered;
      },
    };
  }

  async stored(): Promise<Stored> {
    const { store } = this.world;
    const log = await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.readLog(shard, 0)));
    const names = new Set(log.flat().map(({ stream }) => stream));
    const streams = await Promise.all([...names].map(async (name) => [name, await store.readStream(name, 0)] as const));
    const rows = await Promise.all([...names].map(async (name) => [name, await store.readRow(name)] as const));
    return {
      log,
      streams: new Map(streams),
      rows: new Map(rows.flatMap(([name, row]) => (row ? [[name, row] as const] : []))),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    for (const { stop } of this.#running.values()) stop();
    await Promise.all([...this.#running.values()].map(({ over }) => over));
    await this.awake();
  }
}
