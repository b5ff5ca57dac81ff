/** The Kiro API: submit, read, cancel, live channel. */
import { join } from 'node:path';
import { readConfig } from '#platform/config.ts';
import { connect } from '#platform/connect.ts';
import { listen } from '#platform/http/listen.ts';
import { aborted, runMain } from '#platform/lifetime.ts';
import { createLog } from '#platform/log.ts';
import { startTelemetry } from '#platform/telemetry.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { ensureAdminKey } from './admin-key.ts';
import { apiConfig } from './config.ts';
import { openApi } from './service.ts';

await runMain(async (stop) => {
  const config = readConfig(apiConfig, process.env);
  await using resources = new AsyncDisposableStack();
  resources.use(await startTelemetry('api', process.env));
  const log = createLog('api');
  const clock = Date.now;
  const instanceId = uuidv7(clock());
  const { store, runtime, artifacts, onWake } = resources.use(
    await connect({ service: 'api', instanceId }, config, log),
  );
  await ensureAdminKey(join(config.DATA_DIR, 'admin.key'), { store, clock, log, requestId: instanceId });
  const api = resources.use(await openApi({ store, notes: runtime, artifacts, onWake, clock, log, config }, stop));
  const { API_HOST: host, API_PORT: port, SHUTDOWN_GRACE_MS: drainMs } = config;
  const server = resources.use(
    await listen(api.app, { host, port, drainMs, webSockets: api.webSockets, door: api.door }),
  );
  log('api.started', { instanceId, address: server.url });
  await aborted(stop);
  log('api.stopping', { instanceId });
});
