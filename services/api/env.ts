/** What the parts of the API are handed: everything that knows the world outside, so that a test can hand in something else. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Artifacts } from '#platform/artifacts.ts';
import type { PrincipalEnv } from '#platform/http/principal.ts';
import type { Keyring } from '#platform/http/keyring.ts';
import type { RequestEnv } from '#platform/http/request.ts';
import type { UpgradeBindings } from '#platform/http/upgrade.ts';
import type { Log } from '#platform/log.ts';
import type { Runtime } from '#platform/runtime.ts';
import type { Store } from '#platform/store.ts';
import type { Census } from './census.ts';
import type { ApiConfig } from './config.ts';
import type { Access } from './live/access.ts';
import type { Hub } from './live/hub.ts';
import type { LiveSockets } from './live/sockets.ts';
import type { Admission } from './overload.ts';

export type ApiEnv = { Bindings: UpgradeBindings; Variables: PrincipalEnv['Variables'] & RequestEnv['Variables'] };
export type ApiApp = OpenAPIHono<ApiEnv>;

export type ApiParts = {
  readonly store: Store;
  readonly artifacts: Artifacts;
  readonly clock: () => number;
  readonly log: Log;
  readonly config: ApiConfig;
  readonly keys: Keyring;
  readonly hub: Hub;
  readonly census: Census;
  readonly admission: Admission;
  readonly access: Access;
  readonly sockets: LiveSockets;
  readonly notes: Pick<Runtime, 'putNote' | 'takeNote'>;
  /** Silence on an event stream longer than this is broken by a comment, so that no proxy takes it for dead. */
  readonly heartbeatMs: number;
  /** Aborts when the service is to stop: waits and streams end then. */
  readonly stop: AbortSignal;
};
