/** Everything in one process tree: the embedded AWS, provisioned, and the services on it, kept running until told to stop. */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { z } from 'zod';
import { sweepLeftovers } from '#platform/agent/leftovers.ts';
import { readRouting } from '#platform/eventbridge/routing.ts';
import { aborted, StartFault } from '#platform/lifetime.ts';
import { namesOf } from '#platform/names.ts';
import { chooseAgent } from './agent.ts';
import { clientsOf } from './clients.ts';
import { readLocalConfig } from './config.ts';
import type { LocalConfig } from './config.ts';
import { holdDataDir } from './data-dir.ts';
import { serviceEnvironment } from './environment.ts';
import type { Endpoints } from './environment.ts';
import { greeting } from './greeting.ts';
import { awsMain, superviseEngine, superviseProgram } from './parts.ts';
import type { PartsOptions } from './parts.ts';
import { freePorts, isFree, untilAnswers } from './ports.ts';
import { provision } from './provision.ts';
import { untilReady } from './ready.ts';
import { tellRunning } from './running.ts';

export type Service = {
  readonly name: string;
  /** The file that Node runs. */
  readonly main: string;
  readonly nodeArgs?: readonly string[];
  /** Its configuration, so that all faults are told before anything is started. */
  readonly config?: z.ZodType;
};

export type SystemOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** In the order in which they are stopped. */
  readonly services: readonly Service[];
  /** For people: how to go on, and what goes wrong. */
  readonly print: (text: string) => void;
  readonly warn: (text: string) => void;
};

/** Longer than the 110 s within which every service promises to stop. */
const stopWithinMs = 115_000;
const awsStopWithinMs = 10_000;
const awsStartsWithinMs = 30_000;

/** All addresses are decided before anything starts, and stay, however often a part is started again. */
const chooseEndpoints = async ({ DYNAMODB_ENDPOINT }: LocalConfig): Promise<Endpoints> => {
  const [dynamodb = '', queues = '', json = ''] = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`);
  return { dynamodb: DYNAMODB_ENDPOINT ?? dynamodb, queues, json };
};

const portOf = (endpoint: string): number => Number(new URL(endpoint).port);

/** The embedded AWS with everything provisioned. */
const startAws = async (
  config: LocalConfig,
  endpoints: Endpoints,
  env: NodeJS.ProcessEnv,
  parts: AsyncDisposableStack,
  options: PartsOptions,
  signal: AbortSignal,
): Promise<void> => {
  if (config.DYNAMODB_ENDPOINT !== undefined) await needAnswer(config.DYNAMODB_ENDPOINT);
  else parts.use(await superviseEngine(join(config.DATA_DIR, 'dynamodb.db'), portOf(endpoints.dynamodb), options));
  const ports = { QUEUES_PORT: portOf(endpoints.queues), AWS_JSON_PORT: portOf(endpoints.json) };
  const given = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
  const program = { name: 'aws', main: awsMain, env: { ...env, ...given }, stopWithinMs: awsStopWithinMs };
  parts.use(await superviseProgram(program, options));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(awsStartsWithinMs)]);
  const answering = await Promise.all(Object.values(ports).map((port) => untilAnswers(port, limit)));
  if (signal.aborted) return;
  if (answering.includes(false)) {
    const seconds = awsStartsWithinMs / 1000;
    throw new StartFault(`aws does not answer after ${seconds} s; the logs are in ${options.dirs.logs}`);
  }
  using clients = clientsOf(endpoints);
  await provision(clients, namesOf(config.RESOURCE_PREFIX), config.ARTIFACTS_BUCKET, await readRouting());
  tellRunning(config.DATA_DIR, config.RESOURCE_PREFIX, endpoints);
};

const needAnswer = async (endpoint: string): Promise<void> => {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(10_000) });
  } catch (cause) {
    throw new StartFault(`DYNAMODB_ENDPOINT ${endpoint} does not answer.`, { cause });
  }
};

/** A path as a person in the working directory would write it. */
const asTyped = (path: string): string => {
  const here = relative('', path);
  return here.startsWith('..') ? path : here || '.';
};

/** Resolves when everything has stopped because `stop` aborted; throws `StartFault` or `BadConfiguration` when it cannot run. */
export const runSystem = async ({ env, services, print, warn }: SystemOptions, stop: AbortSignal): Promise<void> => {
  const configs = services.flatMap(({ config }) => config ?? []);
  const config = readLocalConfig(env, configs);
  const agent = chooseAgent(config.AGENT_COMMAND, env['PATH'] ?? '');
  using _held = holdDataDir(config.DATA_DIR);
  const dirs = { logs: join(config.DATA_DIR, 'logs'), records: join(config.DATA_DIR, 'running') };
  mkdirSync(dirs.logs, { recursive: true });
  await sweepLeftovers(dirs.records);
  const { API_PORT: port } = config;
  if (!(await isFree(port))) {
    throw new StartFault(`Port ${port} is in use by another program; choose one with API_PORT.`);
  }
  const hopeless = new AbortController();
  const over = AbortSignal.any([stop, hopeless.signal]);
  const options: PartsOptions = { dirs, warn, giveUp: (fault) => hopeless.abort(fault) };
  {
    // Let go in the reverse order: first the services, in theirs, and the engine last.
    await using parts = new AsyncDisposableStack();
    const endpoints = await chooseEndpoints(config);
    const given = serviceEnvironment(env, config, endpoints, agent.command);
    await startAws(config, endpoints, given, parts, options, over);
    for (const { name, main, nodeArgs = [] } of over.aborted ? [] : services.toReversed()) {
      parts.use(await superviseProgram({ name, main, nodeArgs, env: given, stopWithinMs }, options));
    }
    const url = `http://127.0.0.1:${port}`;
    await untilReady(url, dirs.logs, over);
    if (!over.aborted) {
      const dataDir = asTyped(config.DATA_DIR);
      print(greeting({ url, dataDir, agent: agent.title, afterMs: performance.now() }));
    }
    await aborted(over);
    if (stop.aborted) warn('Stopping; tasks that are running go on with the next start.');
  }
  if (hopeless.signal.aborted) throw hopeless.signal.reason;
};
