/** EventBridge, CodeBuild and Secrets Manager at one address. */
import type { Log } from '#platform/log.ts';
import { openBuilds } from './builds.ts';
import { codeBuild } from './codebuild.ts';
import type { CodeBuildOptions } from './codebuild.ts';
import { openDatabase } from './database.ts';
import { Deliveries } from './delivery.ts';
import { ruleAdministration } from './events.ts';
import { addressWith, putEvents } from './put-events.ts';
import { openRules } from './rules.ts';
import { secretsManager } from './secrets.ts';
import { serveAwsJson } from './server.ts';
import type { AwsJson } from './server.ts';
import { sendTo } from './targets.ts';

export type AwsJsonOptions = {
  /** The database; without it everything is gone with the process. */
  readonly file?: string;
  /** 0 or none: any free port. */
  readonly port?: number;
  readonly region: string;
  /** SQS and SNS, where events are delivered to. */
  readonly queuesEndpoint: string;
  /** What CodeBuild can build, and where. */
  readonly builds: Pick<CodeBuildOptions, 'projects' | 'directory' | 'minuteMs'>;
  readonly log: Log;
};

export const startAwsJson = async (options: AwsJsonOptions): Promise<AwsJson> => {
  const { file, port = 0, region, queuesEndpoint, log } = options;
  const now = Date.now;
  await using opened = new AsyncDisposableStack();
  const db = openDatabase(file);
  opened.defer(() => db.close());
  const rules = openRules(db);
  const deliveries = opened.use(new Deliveries(db, sendTo(queuesEndpoint, region), log, now));
  const address = addressWith(rules, region);
  const secrets = secretsManager(db, region, now);
  const builds = codeBuild({
    ...options.builds,
    ...{ db, builds: openBuilds(db), region, now, readSecret: secrets.read },
    tell: (event) => deliveries.accept(address('default', event).deliveries),
  });
  opened.use(builds);
  const operations = {
    ...ruleAdministration(rules, region),
    ...putEvents(rules, address, deliveries, now),
    ...secrets.operations,
    ...builds.operations,
  };
  const server = opened.use(await serveAwsJson(operations, port, log));
  const held = opened.move();
  return { endpoint: server.endpoint, [Symbol.asyncDispose]: () => held.disposeAsync() };
};
