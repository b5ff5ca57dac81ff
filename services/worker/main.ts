/** The worker: takes tasks from the queues, lets an agent work on each, and writes down what comes of it. */
import { mkdir } from 'node:fs/promises';
import { WorkerId } from '#events/ids.ts';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import { sweepLeftovers } from '#platform/agent/leftovers.ts';
import { agentStarter } from '#platform/agent/start-agent.ts';
import { badConfigurationExit, readConfig } from '#platform/config.ts';
import { connect } from '#platform/connect.ts';
import { serveHealth } from '#platform/http/health.ts';
import { aborted, runMain, StartFault } from '#platform/lifetime.ts';
import { createLog } from '#platform/log.ts';
import { shortageIn } from '#platform/shortage.ts';
import { startTelemetry } from '#platform/telemetry.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { workerConfig } from './config.ts';
import { directories } from './directories.ts';
import { openQueues } from './queues.ts';
import { createWorker } from './service.ts';
import { agentSettingsOf, directoryOptionsOf, poolSettingsOf } from './settings.ts';

await runMain(async (stop) => {
  const config = readConfig(workerConfig, process.env);
  await using resources = new AsyncDisposableStack();
  resources.use(await startTelemetry('worker', process.env));
  const log = createLog('worker');
  const clock = Date.now;
  const workerId = WorkerId.parse(uuidv7(clock()));
  const { agentsDir, sessionsDir, recordDir } = config;
  await Promise.all([agentsDir, sessionsDir, recordDir].map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
  const startAgent = agentStarter(agentSettingsOf(config, process.env));
  const swept = await sweepLeftovers(recordDir);
  if (swept > 0) log.problem('agents.swept', { processes: swept });

  const connected = resources.use(await connect({ service: 'worker', instanceId: workerId }, config, log));
  const { store, artifacts, onWake, sqs, names } = connected;
  const { takeHint } = resources.use(await openQueues(sqs, names, log));
  const keeping = directories(directoryOptionsOf(config, process.env, clock));
  const settings = poolSettingsOf(config);
  const graceMs = config.SHUTDOWN_GRACE_MS;
  const worker = createWorker({
    ...{
      workerId,
      store,
      artifacts,
      onWake,
      takeHint,
      startAgent,
      settings,
      directories: keeping,
      graceMs,
      clock,
      log,
    },
  });
  const health = await serveHealth({
    host: config.WORKER_HEALTH_HOST,
    port: config.WORKER_HEALTH_PORT,
    numbers: () => ({ sessions: worker.pool.load }),
    checks: { dynamodb: () => store.readHead(0) },
  });
  resources.use(health);
  await Promise.race([worker.pool.warm(), aborted(stop)]).catch((fault: unknown) => {
    // A full disk is no fault of the configuration: whoever started us starts us again until there is room.
    if (!(fault instanceof AgentUnavailable) || shortageIn(fault) !== undefined) throw fault;
    throw new StartFault(`${fault.message}. ${fault.remedy}`, { cause: fault, exitCode: badConfigurationExit });
  });
  log('worker.started', { workerId, host: config.host, health: health.url });
  await worker.run(stop);
  log('worker.stopped', { workerId });
});
