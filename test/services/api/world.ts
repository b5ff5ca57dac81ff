/** The Kiro API on memory adapters, with people who hold keys, and a worker's hand to move tasks on. */
import { catalog } from '#events/catalog.ts';
import type { AccountId, SessionId, TaskId } from '#events/ids.ts';
import { AccountId as AccountIdSchema } from '#events/ids.ts';
import type { Role } from '#events/account.ts';
import type { SessionCommand } from '#events/session.ts';
import { session } from '#events/session.ts';
import { task } from '#events/task.ts';
import type { TaskCommand } from '#events/task.ts';
import { readConfig } from '#platform/config.ts';
import { handler } from '#platform/handle.ts';
import { makeKey, parseKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { silent } from '#platform/log.ts';
import { memoryArtifacts } from '#platform/memory/artifacts.ts';
import { memoryRuntime } from '#platform/memory/runtime.ts';
import { memoryStore } from '#platform/memory/store.ts';
import { memoryWakes } from '#platform/memory/wakes.ts';
import { eventually } from '#test/support/eventually.ts';
import { workerId } from '#test/support/ids.ts';
import type { Origin } from '#platform/store.ts';
import { apiConfig } from '../../../services/api/config.ts';
import { liveLimits, openApi } from '../../../services/api/service.ts';
import type { ApiDependencies, LiveLimits } from '../../../services/api/service.ts';

export const people = {
  alice: { accountId: AccountIdSchema.parse('aliceAAAAAAA'), role: 'member' },
  bob: { accountId: AccountIdSchema.parse('bobBBBBBBBBB'), role: 'member' },
  olga: { accountId: AccountIdSchema.parse('olgaOOOOOOOO'), role: 'operator' },
  ada: { accountId: AccountIdSchema.parse('adaDDDDDDDDD'), role: 'admin' },
} as const satisfies Record<string, { accountId: AccountId; role: Role }>;
export type Person = keyof typeof people;

const origin: Origin = { actor: 'worker:test', correlationId: 'test' };

/** What all instances share. */
export const createWorld = async ({ shards = 4 } = {}) => {
  const time = { now: Date.UTC(2026, 0, 1) };
  const clock = (): number => time.now;
  const wakes = memoryWakes();
  const store = memoryStore({ shards, clock, onCommit: wakes.announce });
  const runtime = memoryRuntime({ clock });
  const artifacts = memoryArtifacts();
  const keys: Record<string, string> = {};
  for (const [name, { accountId, role }] of Object.entries(people)) {
    const key = makeKey(accountId);
    await issueKey({ accountId, name, role, key }, store, clock, origin);
    keys[name] = key.key;
  }
  const handleTask = handler(task, catalog.task.parseRow, store, clock);
  const handleSession = handler(session, catalog.session.parseRow, store, clock);
  const handleAccount = handler(catalog.account.decider, catalog.account.parseRow, store, clock);
  return {
    time,
    clock,
    wakes,
    store,
    runtime,
    artifacts,
    keyOf: (person: Person): string => keys[person] ?? '',
    moveTask: (taskId: TaskId, command: TaskCommand) => handleTask(`task/${taskId}`, command, origin),
    moveSession: (sessionId: SessionId, command: SessionCommand) =>
      handleSession(`session/${sessionId}`, command, origin),
    changeRole: (person: Person, role: Role) =>
      handleAccount(`account/${people[person].accountId}`, { type: 'change-role', role }, origin),
    revoke: (person: Person) => {
      const keyId = parseKey(keys[person] ?? '')?.keyId;
      if (keyId === undefined) throw new Error(`${person} has no key`);
      return handleAccount(`account/${people[person].accountId}`, { type: 'revoke-key', keyId }, origin);
    },
  };
};
export type World = Awaited<ReturnType<typeof createWorld>>;

/** A session of somebody, hosted by a worker and idle. */
export const openSession = async (world: World, id: SessionId, of: Person, n = 1): Promise<void> => {
  const hosting = {
    ...{ owner: people[of].accountId, workerId: workerId(n), processId: n, agentSessionId: `agent-${n}` },
    ...{ agent: { name: 'demo', version: '1', dialect: 'acp' as const }, workDirectory: `/sessions/${n}` },
  };
  await world.moveSession(id, { type: 'create', ...hosting });
};

export type ApiOptions = {
  readonly env?: Record<string, string>;
  readonly limits?: Partial<LiveLimits>;
  readonly over?: Partial<ApiDependencies>;
};

/** One instance. */
export const startApi = async (world: World, { env = {}, limits = {}, over = {} }: ApiOptions = {}) => {
  const stop = new AbortController();
  const { store, runtime, artifacts, clock, wakes } = world;
  const api = await openApi(
    {
      ...{ store, artifacts, clock, log: silent, notes: runtime, onWake: wakes.onWake },
      config: readConfig(apiConfig, env),
      limits: { ...liveLimits, ...limits },
      ...over,
    },
    stop.signal,
  );
  return {
    ...api,
    stop,
    /** Resolves when the instance has been told of everything that is in the log now. */
    settled: async (): Promise<void> => {
      const heads = await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.readHead(shard)));
      await eventually(
        () => (api.hub.heads().every((at, shard) => at >= (heads[shard] ?? 0)) ? true : undefined),
        'the log was not followed',
      );
    },
    /** Asks as a person, as somebody with any other token, or as nobody. */
    ask: (method: string, path: string, { as, headers = {}, body }: Ask = {}): Promise<Response> =>
      Promise.resolve(
        api.app.request(
          path,
          {
            method,
            headers: {
              ...(as === undefined ? {} : { authorization: `Bearer ${isPerson(as) ? world.keyOf(as) : as}` }),
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
              ...headers,
            },
            ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
          },
          {},
        ),
      ),
  };
};
export type TestApi = Awaited<ReturnType<typeof startApi>>;

export type Ask = {
  readonly as?: Person | (string & {});
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
};

const isPerson = (as: string): as is Person => Object.hasOwn(people, as);
