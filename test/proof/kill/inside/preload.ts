/** Loaded into every Node process below the programme: puts the points into the services, and leaves everybody else alone. */
import { registerHooks } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const main = relative(root, process.argv[1] ?? '')
  .split(sep)
  .join('/');

type StandIns = Readonly<Record<string, { readonly by: string; readonly names: readonly string[] }>>;

const ports = {
  'services/platform/dynamodb/store.ts': { by: 'ports.ts', names: ['dynamoStore'] },
  'services/platform/dynamodb/runtime.ts': { by: 'ports.ts', names: ['dynamoRuntime'] },
  'services/platform/s3/artifacts.ts': { by: 'ports.ts', names: ['s3Artifacts'] },
  'services/platform/sqs/client.ts': { by: 'ports.ts', names: ['sqsClient'] },
  'services/platform/sns/wake-publisher.ts': { by: 'ports.ts', names: ['wakeTopicArn'] },
} satisfies StandIns;

const standInsOf: Readonly<Record<string, StandIns>> = {
  'services/api/main.ts': ports,
  'services/worker/main.ts': {
    ...ports,
    'services/platform/agent/start-agent.ts': { by: 'agents.ts', names: ['agentStarter'] },
  },
  'services/projector/main.ts': {
    ...ports,
    'services/platform/eventbridge/publisher.ts': { by: 'publisher.ts', names: ['eventPublisher'] },
  },
  'services/local/main.ts': { 'services/local/supervise.ts': { by: 'supervise.ts', names: ['Supervised'] } },
};

/** What the stand-ins import is the real thing, known by this mark; everybody else gets the stand-in under the real name. */
const real = '?real';

const standIns = standInsOf[main];
if (standIns) {
  const sources = new Map(
    Object.entries(standIns).map(([path, { by, names }]) => {
      const url = new URL(path, `file://${root}`).href;
      const stand = new URL(by, import.meta.url).href;
      return [url, `export * from '${url}${real}';\nexport { ${names.join(', ')} } from '${stand}';\n`];
    }),
  );
  const isStandIn = (parent = ''): boolean => parent.startsWith(new URL('.', import.meta.url).href);
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const wantsReal = isStandIn(context.parentURL) && sources.has(resolved.url);
      return wantsReal ? { ...resolved, url: resolved.url + real } : resolved;
    },
    load: (url, context, next) => {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
}
