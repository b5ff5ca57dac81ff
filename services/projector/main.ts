/** The projector: subscriptions to the log that run beside everything else. So far one, the relay to the bus. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { readConfig } from '#platform/config.ts';
import { connect, pollMs } from '#platform/connect.ts';
import { eventPublisher } from '#platform/eventbridge/publisher.ts';
import { serveHealth } from '#platform/http/health.ts';
import { runMain } from '#platform/lifetime.ts';
import { createLog } from '#platform/log.ts';
import { startTelemetry } from '#platform/telemetry.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { projectorConfig } from './config.ts';
import { relay, relaySubscription } from './relay.ts';
import { sharedShards } from './shards.ts';

await runMain(async (stop) => {
  const config = readConfig(projectorConfig, process.env);
  await using resources = new AsyncDisposableStack();
  resources.use(await startTelemetry('projector', process.env));
  const log = createLog('projector');
  const holder = uuidv7(Date.now());
  const connected = resources.use(await connect({ service: 'projector', instanceId: holder }, config, log));
  const { store, runtime, names, onWake } = connected;
  const eventBridge = resources.adopt(new EventBridgeClient({}), (client) => client.destroy());
  const publish = eventPublisher({ client: eventBridge, bus: names.bus });
  const relayed = sharedShards({
    ...{ runtime, holder, shards: store.shards, log },
    subscription: relaySubscription,
    leaseMs: config.PROJECTOR_LEASE_MS,
  });
  const health = await serveHealth({
    host: config.PROJECTOR_HEALTH_HOST,
    port: config.PROJECTOR_HEALTH_PORT,
    numbers: () => ({ shardsHeld: relayed.held().length }),
    checks: { dynamodb: () => store.readHead(0) },
  });
  resources.use(health);

  log('projector.started', { holder, health: health.url });
  await relayed.run(relay({ readLog: store.readLog, onWake, pollMs, publish, log }), stop);
  log('projector.stopped', { holder });
});
