/** The Kiro API as one thing, without a socket: everything it is made of, following the log until it is let go. */
import { addAbortListener } from 'node:events';
import { WebSocketServer } from 'ws';
import type { Artifacts } from '#platform/artifacts.ts';
import type { Door } from '#platform/http/door.ts';
import { naming } from '#platform/http/faults.ts';
import { keyring } from '#platform/http/keyring.ts';
import type { Log } from '#platform/log.ts';
import type { Runtime } from '#platform/runtime.ts';
import type { Store } from '#platform/store.ts';
import type { OnWake } from '#platform/subscribe.ts';
import { apiApp } from './app.ts';
import { createCensus } from './census.ts';
import type { ApiConfig } from './config.ts';
import type { ApiApp } from './env.ts';
import { createAccess } from './live/access.ts';
import { openHub } from './live/hub.ts';
import type { Hub } from './live/hub.ts';
import { createOwners } from './live/owners.ts';
import type { SocketLimits } from './live/socket.ts';
import { createLiveSockets } from './live/sockets.ts';
import { createAdmission } from './overload.ts';

export type LiveLimits = SocketLimits & {
  readonly pingMs: number;
  readonly heartbeatMs: number;
  /** How long the log is not looked at when no wake comes. */
  readonly pollMs: number;
};

/** A slow reader is gone within five seconds: `slowMs` until it is told so, `graceMs` to hear it. */
export const liveLimits: LiveLimits = {
  bufferedMax: 262_144,
  slowMs: 2_500,
  graceMs: 1_500,
  subscriptionsMax: 100,
  pingMs: 30_000,
  heartbeatMs: 15_000,
  pollMs: 2_000,
};

const frameBytesMax = 65_536;

export type ApiDependencies = {
  readonly store: Store;
  readonly notes: Pick<Runtime, 'putNote' | 'takeNote'>;
  readonly artifacts: Artifacts;
  readonly onWake: OnWake;
  readonly clock: () => number;
  readonly log: Log;
  readonly config: ApiConfig;
  readonly limits?: LiveLimits;
};

export type Api = AsyncDisposable & {
  readonly app: ApiApp;
  /** To be asked before the app. */
  readonly door: Door;
  readonly hub: Hub;
  readonly webSockets: WebSocketServer;
};

/** Whatever fails is known by its name when it arrives at the caller. */
const named = ({ store, notes, artifacts }: Pick<ApiDependencies, 'store' | 'notes' | 'artifacts'>) => ({
  store: {
    ...store,
    append: naming('store', store.append),
    readStream: naming('store', store.readStream),
    readRow: naming('store', store.readRow),
    listRows: naming('store', store.listRows),
    readLog: naming('store', store.readLog),
    readHead: naming('store', store.readHead),
  },
  notes: { putNote: naming('store', notes.putNote), takeNote: naming('store', notes.takeNote) },
  artifacts: { put: naming('artifacts', artifacts.put), get: naming('artifacts', artifacts.get) },
});

/** When `stop` aborts, live channels and waits end, and readiness is withdrawn; disposing ends the rest. */
export const openApi = async (given: ApiDependencies, stop: AbortSignal): Promise<Api> => {
  const { onWake, clock, log, config, limits = liveLimits } = given;
  const { store, notes, artifacts } = named(given);
  const keys = keyring(store.readRow, clock);
  const owners = createOwners(store.readRow);
  const census = createCensus(store.listRows, log);
  const admission = createAdmission(config, census);
  const access = createAccess(keys);
  const hub = await openHub({
    ...{ store, onWake, log, pollMs: limits.pollMs },
    onCommit: (commit) => {
      owners.learn(commit);
      census.apply(commit);
      access.review(commit);
    },
  });
  const { SOCKETS_MAX: socketsMax } = config;
  const sockets = createLiveSockets({ hub, store, owners, access, log, limits, socketsMax, pingMs: limits.pingMs });
  const { heartbeatMs } = limits;
  const app = apiApp({
    ...{ store, notes, artifacts, clock, log, config, keys, hub },
    ...{ census, admission, access, sockets, heartbeatMs, stop },
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: frameBytesMax });
  const ending = new AbortController();
  const running = Promise.all([hub.run(ending.signal), census.run(ending.signal)]);
  const listening = addAbortListener(stop, () => void sockets[Symbol.asyncDispose]());
  return {
    app,
    door: admission.door,
    hub,
    webSockets,
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]();
      await sockets[Symbol.asyncDispose]();
      ending.abort();
      await running;
    },
  };
};
